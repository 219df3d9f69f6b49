"""The items of a JSON list, one by one: a text of empty lists takes 30 times its size."""

import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST = 100_000  # characters of an item
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def list_items(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the start of the text of each item, and the item.

    Args:
        text: a JSON text that starts with a bracket.

    Raises:
        json.JSONDecodeError: what follows is no such list, or an item is too long.
        ValueError, RecursionError: a number or a nesting that is not read.
    """
    at = _after_space(text, _after_space(text, 0) + 1)
    separator = "]" if text[at : at + 1] == "]" else ","
    at = _after_space(text, at + 1) if separator == "]" else at
    while separator == ",":
        item, end = _item(text, at)
        yield text[at : min(end, at + 80)], item
        end = _after_space(text, end)
        separator, at = text[end : end + 1], _after_space(text, end + 1)
    if separator != "]":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, end)
    if at < len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _item(text: str, at: int) -> tuple[Any, int]:
    """The item that begins at a place, and where it ends."""
    end = text.find("}", at, at + LONGEST) + 1
    try:
        item, length = _DECODER.raw_decode(text[at:end])  # of an object, most often all of it
    except ValueError:
        item, length = _long_item(text, at)
    return item, at + length


def _long_item(text: str, at: int) -> tuple[Any, int]:
    part = text[at : at + LONGEST]
    try:
        return _DECODER.raw_decode(part)
    except json.JSONDecodeError as error:
        is_cut = at + LONGEST < len(text) and error.pos > LONGEST - 100
        complaint = f"An item of more than {LONGEST} characters" if is_cut else error.msg
        raise json.JSONDecodeError(complaint, text, at + error.pos) from error

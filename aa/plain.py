"""Anybody's texts made plain: nothing in them steers a terminal, a log or a spreadsheet.

Names, errors and values come out of files that somebody else may have written.
"""

import logging
import unicodedata
from typing import Any

FORMULA = ("=", "+", "-", "@")  # first characters of what a spreadsheet computes


def printable(text: object, *, keep: str = "") -> str:
    """A text whose control, format and broken characters are written out, as `\\x1b`.

    Spaces of every width stay, and the characters of `keep`.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if _is_plain(c, keep) else _code(c) for c in text)


def csv_cell(value: Any) -> Any:
    """A value as a cell of a CSV file: no text becomes a formula of who opens it."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


class PlainRecord(logging.LogRecord):
    """A record of any logger; its message and its traceback are printable, ours is one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:  # formatters take this text where there is one
            self.exc_text = printable(logging.Formatter().formatException(self.exc_info), keep="\n")

    def getMessage(self) -> str:  # noqa: N802 the library's name
        return printable(super().getMessage(), keep="" if self.name.startswith("aa.") else "\n\t")


def plain_logging() -> None:
    """Let every log of this process, whoever writes and shows it, be of `PlainRecord`s."""
    logging.setLogRecordFactory(PlainRecord)


def _is_plain(character: str, keep: str) -> bool:
    return character.isprintable() or character in keep or unicodedata.category(character) == "Zs"


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

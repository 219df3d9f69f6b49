"""Values of requests: read with a type, or refused in one line."""

from collections.abc import Mapping
from typing import Any

from flask import Request

from aa.errors import UserError

LONGEST = 20_000  # characters of a text


def json_of(request: Request) -> dict[str, Any]:
    """The object that a script has sent.

    Raises:
        UserError: it is none.
    """
    if request.mimetype != "application/json":
        raise UserError("a request of the type application/json is expected.")
    try:
        values = request.get_json(silent=True)
    except RecursionError:
        values = None
    if not isinstance(values, dict):
        raise UserError("an object in JSON is expected.")
    return values


def given(values: Mapping[str, Any], key: str, *, empty: bool = False) -> str:
    """A text of a request.

    Args:
        empty: whether it may be missing or empty.

    Raises:
        UserError: it is no text, too long, or missing.
    """
    value = values.get(key, "")
    if not isinstance(value, str) or len(value) > LONGEST or not (value or empty):
        raise UserError(f"{key}: a text is expected.")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # halves of characters
        raise UserError(f"{key}: a text is expected.") from error
    return value


def given_list(values: Mapping[str, Any], key: str) -> list[str]:
    """A list of texts of a request, see `given`."""
    found = values.get(key)
    if not isinstance(found, list) or not 0 < len(found) <= 100:
        raise UserError(f"{key}: a list of texts is expected.")
    return [given({key: value}, key) for value in found]


def given_number(values: Mapping[str, Any], key: str, *, least: float, most: float) -> float | None:
    """A number of a request; None where it is empty.

    Raises:
        UserError: it is none, or out of range.
    """
    text = str(values.get(key, "") if values.get(key) is not None else "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UserError(f"{key}: a number from {least:g} to {most:g} is expected, got {text[:40]}.")
    return value

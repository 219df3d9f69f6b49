"""Records by step, a line each: metrics.jsonl and the like."""

import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, cast

import msgspec

from aa.files import NoPlainFileError, open_inside
from aa.runs.reading import RecordError

MOST_LINE = 64 * 1024  # bytes
DECODER = msgspec.json.Decoder()


def read_lines(
    folder: str | Path, name: str, damaged: Callable[[str], object]
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield the whole lines of a file of records by step, as they are and as records.

    A last line without its end is left out: somebody writes it, or was stopped.

    Args:
        folder: of a run, or of a stage of one.
        name: of the file in it.
        damaged: called with what is wrong, in words, if a line is no record; at the end, once.

    Raises:
        FileNotFoundError: there is no such file.
        RecordError: it is no plain file.
    """
    first = count = 0  # of lines that are no records
    with open(_opened(folder, name), "rb") as file:
        for number in itertools.count(1):
            line = file.readline(MOST_LINE)
            if not line:
                break
            record = _record(line)
            if record is not None:
                yield line, record
            elif line.endswith(b"\n") or len(line) == MOST_LINE or b"\0" in line:
                first, count = first or number, count + 1
                while line and not line.endswith(b"\n"):
                    line = file.readline(MOST_LINE)
    if count:
        what = f"line {first} is no record" if count == 1 else f"{count} lines are no records"
        damaged(f"{Path(folder) / name}: {what}" + (f", from line {first} on" * (count > 1)))


def read_records(path: str | Path) -> list[dict[str, Any]]:
    """The records of a file, whose last line may be half-written; see `read_lines`.

    Raises:
        FileNotFoundError: there is no such file.
        RecordError: it is no plain file, or a line of it is no record.
    """

    def refuse(line: str) -> NoReturn:
        raise RecordError(f"{line}. Restore the file, or leave this run out.")

    path = Path(path)
    return [record for _, record in read_lines(path.parent, path.name, refuse)]


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; whole ones of more than 64 bits are none."""
    whole = type(value) is int and abs(value) < 2**63
    return whole or (isinstance(value, float) and math.isfinite(value))


def _opened(folder: str | Path, name: str) -> int:
    try:
        return open_inside(folder, name)
    except NoPlainFileError as error:
        raise RecordError(str(error)) from error


def _record(line: bytes) -> dict[str, Any] | None:
    """A line as a record; None where it is none."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = _load(line)
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(record, dict) and type(record.get("step")) is int
    return cast(dict, record) if is_one and abs(record["step"]) < 2**63 else None


def _load(line: bytes) -> Any:
    """The JSON of a line: msgspec is seven times as fast, json reads NaN too."""
    try:
        return DECODER.decode(line)
    except ValueError:
        return json.loads(line.decode("utf-8"))

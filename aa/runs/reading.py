"""Reading the records of a run folder, which may be anybody's: checked, bounded.

A record is JSON or yaml of one of `aa.runs.kinds`. It is a plain file in its folder, reached by no
link; it costs a small multiple of its size; what it holds has the type that its reader expects.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aa.errors import UserError, reason
from aa.files import NoPlainFileError, read_inside
from aa.runs.plain_values import check_plain, load_yaml

Kind = TypeVar("Kind")
MOST_BYTES = 256_000_000  # a snapshot has a line for each file of a data set
MOST_YAML = 1_000_000  # a config has some 10,000
MOST_VALUES, BYTES_A_VALUE = 500_000, 75  # in JSON: this many, and one more for so many bytes
FREE = {"config", "swept", "machine"}  # parts of records whose keys are those of configs


class RecordError(UserError):
    """A file of a run folder is not what a run writes. The message names it."""


def read_record(folder: str | Path, name: str, kind: type[Kind]) -> Kind:
    """The JSON in a file of a run folder.

    Args:
        folder: the run folder.
        name: of the file in it.
        kind: one of `aa.runs.kinds`.

    Raises:
        FileNotFoundError: there is no such file.
        RecordError: it is no plain file, no JSON, or something else than expected.
    """
    content = _content(folder, name, MOST_BYTES)
    with _explained(folder, name):
        return typed_record(_load_json(content), kind)


def read_yaml_record(folder: str | Path, name: str, kind: type[Kind]) -> Kind:
    """The yaml in a file of a run folder, see `read_record`."""
    content = _content(folder, name, MOST_YAML)
    with _explained(folder, name):
        return typed_record(load_yaml(content), kind)


def typed_record(values: Any, kind: type[Kind]) -> Kind:
    """Plain values as one of `aa.runs.kinds`.

    Raises:
        msgspec.ValidationError, ValueError: they are something else.
    """
    record = msgspec.convert(values, kind)
    if kind is dict:
        check_plain(record, most=MOST_VALUES)
    elif isinstance(record, dict):
        for key in FREE & record.keys():
            check_plain(record[key])
    return record


def find_record(folder: str | Path, name: str, kind: type[Kind]) -> Kind | None:
    """As `read_record`; None where there is no such file."""
    try:
        return read_record(folder, name, kind)
    except FileNotFoundError:
        return None


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file of plain values, see `read_record`."""
    path = Path(path)
    return read_record(path.parent, path.name, dict)


@contextmanager
def _explained(folder: str | Path, name: str) -> Iterator[None]:
    """Raise what is wrong with a record as a line that names its file."""
    try:
        yield
    except (ValueError, RecursionError, MemoryError) as error:
        file = Path(folder) / name
        raise RecordError(
            f"{file}: cannot be read as what a run writes ({reason(error)}). Restore the file, or "
            "leave this run out."
        ) from error


def _content(folder: str | Path, name: str, most: int) -> bytes:
    try:
        return read_inside(folder, name, most=most)
    except NoPlainFileError as error:
        raise RecordError(str(error)) from error


def _load_json(content: bytes) -> Any:
    if len(content) > MOST_VALUES:
        values = content.count(b",") + content.count(b"[") + content.count(b"{")
        if values > MOST_VALUES + len(content) // BYTES_A_VALUE:
            raise ValueError(f"it holds {values} values")
    if not content.strip(b"\0 \n\r\t"):
        raise ValueError("it is empty" if not content else "it holds zero bytes only")
    loaded = json.loads(content.decode("utf-8"))  # of bytes, json guesses an encoding
    if b"\\ud" in content or b"\\uD" in content:  # halves of characters, which nothing can print
        whole = json.dumps(loaded, ensure_ascii=False).encode("utf-8", "replace")
        loaded = json.loads(whole)
    return loaded

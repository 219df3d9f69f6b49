"""The entries of a torch zip file, mapped: an entry costs memory once it is used."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from aa.weights.reading.room import Room
from aa.weights.reading.shown import shown

_ENTRY = 350  # bytes that a listed entry takes in memory, its name aside
_LISTED = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_PLACE_64 = struct.Struct("<4sIQI")  # of the end in 64 bits
_HEADER = struct.Struct("<4s5H3I2H")
_LONGEST_COMMENT, _SATURATED, _STORED = 2**16 - 1, 2**32 - 1, 0


def mapped(path: str | os.PathLike) -> memoryview:
    """Map the bytes of a file, which are read where they are used.

    Raises:
        ValueError: there are none.
    """
    if not os.path.getsize(path):
        raise ValueError("it is empty")
    return np.memmap(path, dtype=np.uint8, mode="r").data


@dataclass(frozen=True, slots=True)
class Entry:
    """The place of an entry, as the listing says."""

    method: int
    size: int
    offset: int


class TorchArchive:
    """The entries of a torch zip file; torch stores them uncompressed, one after the other.

    Python's own reader of zip files takes hundreds of bytes of memory for one byte of the listing.

    Args:
        path: the file.
        room: for the listing.
    """

    def __init__(self, path: str | os.PathLike, room: Room) -> None:
        self.data = mapped(path)
        self.entries = dict(self._listing(room))
        stored = (e for e in self.entries.values() if e.method == _STORED)
        size = sum(entry.size for entry in stored)  # of others, nothing is read
        if size > len(self.data):
            raise ValueError(f"its entries hold {size} bytes, the file only {len(self.data)}")

    def read(self, name: str) -> memoryview:
        """Bytes of one entry, as a view of the file."""
        if name not in self.entries:
            raise ValueError(f"it has no {shown(name)}")
        entry = self.entries[name]
        if entry.method != _STORED:
            raise ValueError(f"{shown(name)} is compressed, which torch never does")
        *_, name_size, extra_size = self._unpack(_HEADER, entry.offset, b"PK\3\4")
        start = entry.offset + _HEADER.size + name_size + extra_size
        content = self.data[start : start + entry.size]
        if len(content) != entry.size:
            raise ValueError(f"it ends before {shown(name)}")
        return content

    def _listing(self, room: Room) -> Iterator[tuple[str, Entry]]:
        """Yield names and `Entry`s."""
        size, at = self._find_listing()
        end = at + size
        while at < end:
            fields = self._unpack(_LISTED, at, b"PK\1\2")
            method, name_size, extra_size, comment_size = fields[4], *fields[10:13]
            room.take(_ENTRY + 4 * name_size)
            name = self.data[at + _LISTED.size :][:name_size]
            extra = self.data[at + _LISTED.size + name_size :][:extra_size]
            packed, size, offset = fields[8], fields[9], fields[16]
            if _SATURATED in (packed, size, offset):
                size, _, offset = _large(extra, size, packed, offset)
            yield str(name, "utf-8", "replace"), Entry(method, size, offset)
            at += _LISTED.size + name_size + extra_size + comment_size

    def _find_listing(self) -> tuple[int, int]:
        """Size of the listing of entries, and where it begins."""
        tail = max(0, len(self.data) - _END.size - _LONGEST_COMMENT)
        at = bytes(self.data[tail:]).rfind(b"PK\5\6")
        if at < 0:
            raise ValueError("it is no whole zip file")
        *_, size, offset, _ = self._unpack(_END, tail + at, b"PK\5\6")
        if _SATURATED in (size, offset):
            place = self._unpack(_PLACE_64, tail + at - _PLACE_64.size, b"PK\6\7")[2]
            *_, size, offset = self._unpack(_END_64, place, b"PK\6\6")
        return size, offset

    def _unpack(self, form: struct.Struct, at: int, signature: bytes) -> tuple[Any, ...]:
        """The fields of a record of the file, which begins with its signature."""
        record = self.data[at : at + form.size] if at >= 0 else b""
        if len(record) < form.size or bytes(record[:4]) != signature:
            raise ValueError("its list of entries is damaged")
        return form.unpack(record)


def _large(extra: memoryview, *sizes: int) -> list[int]:
    """Sizes of which those that do not fit into 32 bits stand in the entry's further fields."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == 1 and len(field) >= 8 * sizes.count(_SATURATED):
            found = iter(struct.unpack_from(f"<{len(field) // 8}Q", field))
            return [next(found) if size == _SATURATED else size for size in sizes]
    raise ValueError("its list of entries is damaged")

"""The boxes of an mp4 file: whole, and no more frames than there are bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from aa.errors import ClipError

TABLES = (b"trak", b"mdia", b"minf", b"stbl")  # in each other: the way to a track's tables


def check_boxes(path: Path, file: BinaryIO) -> None:
    """Walk the top-level mp4 boxes: each must end inside the file, and `moov` (the index) be there.

    FFmpeg opens a file cut between two frames without a word, as a shorter video; and it makes room
    for as many frames as a table of equal sizes lists.

    Args:
        path: of the file.
        file: the same, open.

    Raises:
        ClipError: one does not, there is no index, or its frames are more than the file holds.
    """
    file_size, start, kinds = path.stat().st_size, 0, set()
    while start + 8 <= file_size:
        file.seek(start)
        header = file.read(16)
        box_size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if box_size == 1:  # a 64-bit size follows
            box_size = int.from_bytes(header[8:16], "big")
        elif box_size == 0:  # the box reaches to the end of the file
            box_size = file_size - start
        if box_size < 8 or not kind.isalnum():
            break  # padding after the last box
        if start + box_size > file_size:
            raise ClipError(
                f"{path}: is cut short: {file_size} bytes, its mp4 boxes need at least "
                f"{start + box_size}. Copy or encode it again."
            )
        if kind == b"moov":
            _check_tables(path, file, start + 8, start + box_size, file_size)
        kinds.add(kind)
        start += box_size
    if b"moov" not in kinds:
        raise ClipError(
            f"{path}: has no moov box (the index of an mp4), so its writing was not finished. "
            "Copy or encode it again."
        )


def _check_tables(path: Path, file: BinaryIO, start: int, end: int, file_size: int) -> None:
    """Frames of one size must fit into the file; FFmpeg lists them all before it looks for one."""
    for size, count in _equal_frames(file, start, end, TABLES, b""):
        if size * count > file_size:
            raise ClipError(
                f"{path}: speaks of {count} frames and has {file_size} bytes. "
                "Re-encode or replace the file."
            )


def _equal_frames(
    file: BinaryIO, start: int, end: int, inside: tuple[bytes, ...], handler: bytes
) -> Iterator[tuple[int, int]]:
    """Yield (bytes of a frame, how many) of the video tracks whose frames are all of one size."""
    while start + 8 <= end:
        file.seek(start)
        header = file.read(28)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if size < 8:
            return
        last = min(start + size, end)
        if inside and kind == inside[0]:
            yield from _equal_frames(file, start + 8, last, inside[1:], handler)
        elif kind == b"hdlr" and inside == TABLES[2:]:
            handler = header[16:20]
        elif kind == b"stsz" and not inside and handler == b"vide":
            yield int.from_bytes(header[12:16], "big"), int.from_bytes(header[16:20], "big")
        start += size

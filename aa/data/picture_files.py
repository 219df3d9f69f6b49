"""The parts of an image's file that are the image.

Tags, texts and colour profiles are left out before a library sees the file: they can take a
thousand times their bytes in memory, or for ever. Of moving images the first one is kept.
"""

import struct
from collections.abc import Iterator

MOST_SCANS = 50  # of a JPEG; each goes over the whole image, and may have some bytes
_PNG, _JPEG, _EXIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"Exif\0\0"
_PNG_PARTS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# Tables, frames, restarts, JFIF and Adobe's, which says how colours are stored.
_JPEG_PARTS = (0xDB, 0xC4, 0xCC, 0xDD, 0xE0, 0xEE, *range(0xC0, 0xC4), *range(0xC5, 0xC8))
_JPEG_PARTS += (*range(0xC9, 0xCC), *range(0xCD, 0xD0))
_JPEG_EXIF, _SCAN = 0xE1, 0xDA
_TURNED, _SHORT, _LONG = 0x0112, 3, 4  # a tag, and types that it may have


def is_picture(start: bytes) -> bool:
    """Return whether a file that starts with these 12 bytes is of a kind that is read."""
    kinds = (_PNG, _JPEG, b"GIF87a", b"GIF89a", b"BM")
    return start.startswith(kinds) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def picture_parts(content: bytes) -> tuple[bytes, int]:
    """A PNG, JPEG, WebP, BMP or GIF file without what is not the image.

    Returns:
        the file, and how its camera tag says that the image is turned: 1 to 8, or 1 if it is none
        of these.

    Raises:
        ValueError: it would take for ever.
    """
    view = memoryview(content)
    if content.startswith(_PNG):
        parts = _png_parts(view)
    elif content.startswith(_JPEG):
        parts = _jpeg_parts(view)
    elif content.startswith(b"GIF"):
        parts = _gif_parts(view)
    else:
        return content, _orientation(_webp_exif(view) if content.startswith(b"RIFF") else b"")
    kept, exif = [], b""
    for part, is_exif in parts:
        if is_exif:
            exif = exif or part
        else:
            kept.append(part)
    return b"".join(kept), _orientation(exif)


def _png_parts(view: memoryview) -> Iterator[tuple[bytes | memoryview, bool]]:
    """Yield pieces of the file, and whether each is the camera's tags instead."""
    yield view[: len(_PNG)], False
    at = len(_PNG)
    while at + 8 <= len(view):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        if kind in _PNG_PARTS:
            yield view[at:end], False
        elif kind == b"eXIf":
            yield view[at + 8 : end - 4], True
        at = len(view) if kind == b"IEND" else end


def _jpeg_parts(view: memoryview) -> Iterator[tuple[bytes | memoryview, bool]]:
    yield view[:2], False
    at = 2
    while at + 4 <= len(view):
        marker = view[at + 1]
        if view[at] != 0xFF or marker in (0x00, 0xFF):
            at += 1  # filled up, or nothing that can be told
        elif marker == _SCAN:
            _check_scans(bytes(view[at:]))
            yield view[at:], False
            return
        elif 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 2  # stands alone
        else:
            end = at + 2 + int.from_bytes(view[at + 2 : at + 4], "big")
            if marker in _JPEG_PARTS:
                yield view[at:end], False
            elif marker == _JPEG_EXIF and bytes(view[at + 4 : at + 10]) == _EXIF:
                yield view[at + 10 : end], True
            at = max(end, at + 4)


def _check_scans(rest: bytes) -> None:
    if rest.count(bytes([0xFF, _SCAN])) > MOST_SCANS:
        raise ValueError(f"a JPEG of more than {MOST_SCANS} scans")


def _gif_parts(view: memoryview) -> Iterator[tuple[bytes | memoryview, bool]]:
    """Yield head, colours, what is transparent, and the first image."""
    if len(view) < 13:
        return
    at = 13 + _colours(view[10])
    yield view[:at], False
    while at + 2 <= len(view) and view[at] == 0x21:  # an extension
        end = _end_of_blocks(view, at + 2)
        if view[at + 1 : at + 3] == b"\xf9\4" and end == at + 8:  # only what is transparent counts
            yield bytes([*view[at : at + 3], view[at + 3] & 1, *view[at + 4 : at + 7], 0]), False
        at = end
    if at + 10 <= len(view):
        data = at + 10 + _colours(view[at + 9]) + 1
        yield view[at : _end_of_blocks(view, data)], False
    yield b"\x3b", False


def _colours(flags: int) -> int:
    """Bytes of the table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(view: memoryview, at: int) -> int:
    while at < len(view) and view[at]:
        at += 1 + view[at]
    return at + 1


def _webp_exif(view: memoryview) -> bytes | memoryview:
    at = 12
    while at + 8 <= len(view):
        size = int.from_bytes(view[at + 4 : at + 8], "little")
        if bytes(view[at : at + 4]) == b"EXIF":
            return view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return b""


def _orientation(exif: bytes | memoryview) -> int:
    """The turn of the image that the camera's tags give, 1 to 8; those that are none give 1."""
    tags = memoryview(exif)
    if bytes(tags[:6]) == _EXIF:
        tags = tags[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(tags[:4]))
    if order is None or len(tags) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", tags, 4)
    entries = tags[start + 2 :]
    for at in range(0, len(entries) - 11, 12):
        tag, kind = struct.unpack_from(order + "2H", entries, at)
        if tag == _TURNED and kind in (_SHORT, _LONG):
            form = order + ("H" if kind == _SHORT else "I")
            (value,) = struct.unpack_from(form, entries, at + 8)
            return value if 1 <= value <= 8 else 1
    return 1

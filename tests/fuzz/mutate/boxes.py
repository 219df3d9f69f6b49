"""Changes of videos by their parts: boxes of MP4, chunks of AVI, elements of Matroska."""

import struct

from tests.fuzz.mutate.values import any_number, packed

HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"meta", b"ilst")
# Boxes whose numbers say how much there is, and where.
TABLES = (b"stts", b"stsc", b"stsz", b"stco", b"ctts", b"stss", b"elst", b"mvhd", b"tkhd", b"mdhd")
TABLES += (b"stsd", b"hdlr", b"avcC", b"esds", b"pasp", b"colr")

EBML_SIZES = (b"\xff", b"\x80", b"\x40\x00", b"\x01" + b"\xff" * 7, b"\x01" + b"\0" * 7)


def boxes(content, start=0, end=None):
    """(start, end, kind) of every box of an mp4, those inside others too."""
    end, found = len(content) if end is None else end, []
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        stop = start + size
        if size < 8 or stop > end:
            break
        found.append((start, stop, kind))
        if kind in HOLDERS:
            found += boxes(content, start + 8, stop)
        start = stop
    return found


def _overwritten(content, place, field):
    return content[:place] + field + content[place + len(field) :]


def changed_mp4(rng, content):
    """Boxes with other sizes, kinds, counts and numbers; removed, doubled, or moved."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        found = boxes(content)
        if not found:
            break
        start, stop, _ = rng.choice([b for b in found if b[2] in TABLES] or found)
        change = rng.randrange(9)
        if change < 5 and stop - start > 12:
            place = start + 8 + 4 * rng.randrange((stop - start - 8) // 4)
            content = _overwritten(content, place, struct.pack(">I", any_number(rng) & 0xFFFFFFFF))
        elif change == 5:
            content = _overwritten(content, start + 8 + rng.randrange(stop - start), packed(rng))
        elif change == 6:
            content = _overwritten(content, start, struct.pack(">I", any_number(rng) & 0xFFFFFFFF))
        else:
            content = _moved(rng, content, found)
    return content


def _moved(rng, content, found):
    """A box that is gone, is there twice, or is somewhere else; those around it have its size."""
    start, stop, kind = rng.choice(found)
    box, change = content[start:stop], rng.randrange(3)
    around = [(s, e) for s, e, _ in found if s < start and e >= stop]
    if change == 0:
        return _resized(content[:start] + content[stop:], around, -len(box))
    if change == 1:
        return _resized(content[:stop] + box + content[stop:], around, len(box))
    other = rng.choice(found)[2]
    return _overwritten(content, start + 4, rng.choice((other, b"free", b"uuid", b"cmov", kind)))


def _resized(content, around, difference):
    """With the sizes of the boxes around a change."""
    for start, end in around:
        size = struct.pack(">I", max(0, end - start + difference))
        content = _overwritten(content, start, size)
    return content


def changed_avi(rng, content):
    """Chunks with other sizes and numbers; headers are where most numbers are."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        limit = min(len(content), 400) if rng.random() < 0.8 else len(content)
        place = 4 * rng.randrange(max(1, limit // 4))
        content = _overwritten(content, place, struct.pack("<I", any_number(rng) & 0xFFFFFFFF))
    return content


def changed_matroska(rng, content):
    """Elements with other sizes or numbers, in the bytes that come before most of the data."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        limit = min(len(content), 700) if rng.random() < 0.8 else len(content)
        field = rng.choice((rng.choice(EBML_SIZES), packed(rng)))
        content = _overwritten(content, rng.randrange(limit), field)
    return content

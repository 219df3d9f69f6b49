"""Changes of pictures by their parts: chunks of PNG, segments of JPEG, headers of the others."""

import functools
import struct
import zlib

from tests.fuzz.mutate import raw
from tests.fuzz.mutate.values import packed, packed_float

PNG = b"\x89PNG\r\n\x1a\n"
SIDES = (0, 1, 2, 64, 255, 4096, 8192, 32767, 32768, 32769, 65535, 100_000, 1_048_624, 2**24, 2**31)


def field_changed(rng, content):
    """One field of some bytes is another number."""
    if not content:
        return packed(rng)
    field = packed(rng) if rng.random() < 0.9 else packed_float(rng)
    place = rng.randrange(len(content))
    if rng.random() < 0.6:  # most fields begin at even places
        place -= place % 2
    return content[:place] + field + content[place + len(field) :]


def changed_png(rng, content):
    """PNG with other chunks, whose checksums are right."""
    chunks, place = [], len(PNG)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change_chunks(rng, chunks)
    return PNG + b"".join(_chunk(rng, kind, data) for kind, data in chunks)


def _change_chunks(rng, chunks):
    place, change = rng.randrange(len(chunks)), rng.randrange(8)
    kind, data = chunks[place]
    if change == 0:
        chunks[0] = (b"IHDR", _other_header(rng, chunks[0][1]))
    elif change == 1:
        chunks.insert(rng.randrange(len(chunks) + 1), (kind, data))
    elif change == 2 and len(chunks) > 1:
        del chunks[place]
    elif change == 3:
        chunks.insert(rng.randrange(1, len(chunks) + 1), _extra_chunk(rng))
    elif change == 4 and kind == b"IDAT":
        chunks[place] = (kind, _recompressed(rng, data))
    elif change == 5:
        chunks[place] = (rng.choice((b"IDAT", b"PLTE", b"tRNS", b"acTL", b"fdAT", b"zTXt")), data)
    elif change == 6:
        chunks[place] = (kind, raw.changed(rng, data))
    else:
        chunks[place] = (kind, field_changed(rng, data))


def _recompressed(rng, data):
    """Pixels with other bytes, as long as they are still some."""
    try:
        return zlib.compress(field_changed(rng, zlib.decompress(data)))
    except zlib.error:
        return data


def _other_header(rng, header):
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", header[:13].ljust(13, b"\0"))
    change = rng.randrange(4)
    if change == 0:
        width = rng.choice(SIDES)
    elif change == 1:
        height = rng.choice(SIDES)
    elif change == 2:
        depth = rng.choice((0, 1, 2, 4, 8, 16, 32))
    else:
        colour = rng.choice((0, 1, 2, 3, 4, 6, 7))
    return struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, colour, *rest)


def _extra_chunk(rng):
    """A text, profile, animation or tag that holds more than it seems, or nonsense."""
    bomb = _zeros(rng.choice((0, 1000, 10**6, 80 * 10**6)))
    return rng.choice(
        (
            (b"zTXt", b"key\0\0" + bomb),
            (b"iTXt", b"key\0\1\0\0\0" + bomb),
            (b"iCCP", b"name\0\0" + bomb),
            (b"tEXt", b"\x1b[2J\0" + b"x" * 100),
            (b"eXIf", b"II*\0" + rng.randbytes(40)),
            (b"tRNS", rng.randbytes(rng.choice((0, 1, 2, 6, 300)))),
            (b"PLTE", rng.randbytes(rng.choice((0, 1, 3, 768, 2000)))),
            (b"acTL", struct.pack(">II", rng.choice((0, 1, 2**31)), 0)),
            (b"gAMA", b"\0" * rng.choice((0, 4, 5))),
            (b"pHYs", rng.randbytes(9)),
        )
    )


@functools.cache
def _zeros(count):
    return zlib.compress(bytes(count), 9)


def _chunk(rng, kind, data):
    length = len(data) if rng.random() < 0.98 else rng.choice(SIDES)
    crc = zlib.crc32(kind + data) if rng.random() < 0.98 else 0
    return struct.pack(">I", length & 0xFFFFFFFF) + kind + data + struct.pack(">I", crc)


def changed_jpeg(rng, content):
    """JPEG with other segments before its scan, whose lengths are mostly right."""
    segments, place = [], 2
    while content[place + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", content, place + 2)
        segments.append((content[place + 1], content[place + 4 : place + 2 + length]))
        place += 2 + length
    scan = content[place:]
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change_segments(rng, segments)
    if rng.random() < 0.2:
        scan = raw.changed(rng, scan)
    return content[:2] + b"".join(_segment(rng, kind, data) for kind, data in segments) + scan


def _change_segments(rng, segments):
    place, change = rng.randrange(len(segments)), rng.randrange(7)
    kind, data = segments[place]
    if change < 2:
        frames = [n for n, (k, _) in enumerate(segments) if 0xC0 <= k <= 0xCF and k not in (0xC4,)]
        place = rng.choice(frames) if frames else place
        kind, data = segments[place]
        sides = struct.pack(">HH", *(rng.choice(SIDES) & 0xFFFF for _ in range(2)))
        start = rng.choice((1, 1, 3))
        segments[place] = (kind, data[:start] + sides[: 4 if start == 1 else 2] + data[start + 4 :])
    elif change == 2:
        segments[place] = (kind, exif_changed(rng, data) if data[:4] == b"Exif" else data[::-1])
    elif change == 3:
        segments.insert(rng.randrange(len(segments) + 1), (kind, data))
    elif change == 4 and len(segments) > 1:
        del segments[place]
    elif change == 5:
        segments[place] = (rng.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xE0, 0xE1, 0xE2, 0xED)), data)
    else:
        segments[place] = (kind, field_changed(rng, data))


def _segment(rng, kind, data):
    length = len(data) + 2 if rng.random() < 0.97 else rng.choice(SIDES)
    return b"\xff" + bytes([kind]) + struct.pack(">H", length & 0xFFFF) + data[:65533]


def exif_changed(rng, data):
    """Camera tags with other types, counts and places of their values."""
    for _ in range(rng.choice((1, 2, 4))):
        start = 6 if data[:4] == b"Exif" else 0
        data = data[:start] + field_changed(rng, data[start:])
    return data


def changed_riff(rng, content):
    """WebP with other chunks, whose sizes are mostly right."""
    chunks, place = [], 12
    while place + 8 <= len(content):
        (size,) = struct.unpack_from("<I", content, place + 4)
        chunks.append((content[place : place + 4], content[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    for _ in range(rng.choice((1, 1, 2))):
        place, change = rng.randrange(len(chunks)), rng.randrange(5)
        kind, data = chunks[place]
        if change < 2:
            start, rest = data[:30], data[30:]
            tags = kind == b"EXIF"
            chunks[place] = (
                kind,
                exif_changed(rng, data) if tags else field_changed(rng, start) + rest,
            )
        elif change == 2:
            chunks.insert(rng.randrange(len(chunks) + 1), (kind, data))
        elif change == 3:
            chunks[place] = (kind, raw.changed(rng, data))
        elif len(chunks) > 1:
            del chunks[place]
    body = b"WEBP" + b"".join(_riff_chunk(rng, *chunk) for chunk in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff_chunk(rng, kind, data):
    size = len(data) if rng.random() < 0.97 else rng.choice(SIDES)
    return kind + struct.pack("<I", size & 0xFFFFFFFF) + data + b"\0" * (len(data) % 2)


def changed_header(rng, content, *, length=60):
    """Fields of the first bytes are others: BMP and GIF."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = field_changed(rng, content[:length]) + content[length:]
    return content

"""Pictures that are cut, empty, bombs, or something else."""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

from aa.data.pictures import read_image
from tests.bad_input.case import bad
from tests.bad_input.videos import cut, frames, write

KIND = "Pictures"


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width, height, *, more=b""):
    """A PNG of that size by its header; its pixels are three bytes."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + more
        + chunk(b"IDAT", zlib.compress(b"\0\0\0"))
        + chunk(b"IEND", b"")
    )


def gif(width, height):
    """A GIF of that size by its header, and a first picture of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x4c\1\0;"


def jpeg_of_scans(count):
    """A JPEG whose last scan, some bytes for the whole picture, comes again and again."""
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    return content[:-2] + content[content.rindex(b"\xff\xda") : -2] * count + content[-2:]


def whole_png():
    Image.fromarray(frames(1)[0]).save("person.png")
    return Path("person.png")


def _picture(name, make):
    @bad(KIND, name)
    def prepare():
        path = make()
        return lambda: read_image(path)


TEXT_BOMB = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26), 9))
_picture("a PNG that says it is 50000x50000", lambda: write("person.png", png(50000, 50000)))
_picture("a PNG that says it is 10000x10000", lambda: write("person.png", png(10000, 10000)))
_picture("a PNG that says it is 64x1000000", lambda: write("person.png", png(64, 1_000_000)))
_picture("a PNG that says it is 4000x5000", lambda: write("person.png", png(4000, 5000)))
_picture("a GIF that says it is 65535x65535", lambda: write("person.gif", gif(65535, 65535)))
_picture("a JPEG of 1000 scans", lambda: write("person.jpg", jpeg_of_scans(1000)))
_picture("a PNG with a bomb of text", lambda: write("person.png", png(8, 8, more=TEXT_BOMB)))
_picture("a PNG cut short", lambda: cut(whole_png()))
_picture("a text called .png", lambda: write("person.png", b"hello, world"))
_picture("a PostScript program called .png", lambda: write("person.png", EPS))
_picture("an empty picture", lambda: write("person.png", b""))
_picture("a folder as picture", lambda: (Path("person.png").mkdir(), Path("person.png"))[1])
_picture("a picture that is not there", lambda: Path("person.png"))
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(made) (w) file closefile\n"

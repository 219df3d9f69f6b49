"""Pictures that are cut, empty, bombs, or something else."""

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
_picture("a PNG with a bomb of text", lambda: write("person.png", png(8, 8, more=TEXT_BOMB)))
_picture("a PNG cut short", lambda: cut(whole_png()))
_picture("a text called .png", lambda: write("person.png", b"hello, world"))
_picture("a PostScript program called .png", lambda: write("person.png", EPS))
_picture("an empty picture", lambda: write("person.png", b""))
_picture("a folder as picture", lambda: (Path("person.png").mkdir(), Path("person.png"))[1])
_picture("a picture that is not there", lambda: Path("person.png"))
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(made) (w) file closefile\n"

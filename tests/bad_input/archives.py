"""Weights files that are no pickles: zip archives, safetensors, and what is no weights file."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from aa.weights.reading.states import read_state
from tests.bad_input.case import bad, without_rights
from tests.weights.files import (
    cut_short,
    dictionary,
    listing_zip,
    overlapping_zip,
    program,
    storage,
    tensor,
    write_torch,
)

KIND = "Weights: archives and headers"
STATE = {"w": np.arange(64, dtype=np.float32)}


def header(**entries):
    """A safetensors file of {name: (type, shape, offsets)} with 16 bytes of numbers."""
    keys = ("dtype", "shape", "data_offsets")
    return json.dumps({k: dict(zip(keys, v, strict=True)) for k, v in entries.items()})


def _safetensors(name, text, *, length=None, data=bytes(16)):
    @bad(KIND, f"a .safetensors {name}")
    def prepare():
        content = text.encode()
        size = len(content) if length is None else length
        Path("weights.safetensors").write_bytes(size.to_bytes(8, "little") + content + data)
        return lambda: read_state("weights.safetensors")


ONE = header(a=("F32", [4], [0, 16]))
_safetensors("whose tensors overlap", header(a=("F32", [2], [0, 8]), b=("F32", [3], [4, 16])))
_safetensors("with a hole between tensors", header(a=("F32", [1], [0, 4]), b=("F32", [1], [8, 12])))
_safetensors("whose offsets lie outside the file", header(a=("F32", [20], [0, 80])))
_safetensors("whose offsets are negative", header(a=("F32", [4], [-16, 0])))
_safetensors("whose header is longer than the file", ONE, length=10**6)
_safetensors("whose header is said to have 2^63 bytes", ONE, length=2**63)
_safetensors("with the same name twice", ONE[:-1] + ", " + ONE[1:])
_safetensors("of a type that does not exist", header(a=("F31", [4], [0, 16])))
_safetensors("of a type that is not read here", header(a=("F8_E4M3", [16], [0, 16])))
_safetensors("whose shape is too large to count", header(a=("F32", [2**32] * 3, [0, 16])))
_safetensors("whose shape is another than its numbers", header(a=("F32", [5], [0, 16])))
_safetensors("whose header is no JSON", "hello, world")
_safetensors("whose header is a list", "[1, 2]")
_safetensors("whose header nests 100000 lists", "[" * 100_000)
_safetensors(
    "with 200000 texts beside it",
    json.dumps({"__metadata__": dict.fromkeys(map(str, range(200_000)), "")}),
)
_safetensors("of 100000 dimensions", header(a=("F32", [1] * 99_999 + [4], [0, 16])))
_safetensors("with a name of 1 MB", header(**{"\x1b" * 10**6: ("F32", [4], [0, 16])}))
_safetensors("with a type of 1 MB", header(a=("\x1b" * 10**6, [4], [0, 16])))
_safetensors("of three bytes", "", length=0, data=b"")


def _file(name, write):
    @bad(KIND, name)
    def prepare():
        path = write()
        return lambda: read_state(path)


def _zip(name, entries, compression=zipfile.ZIP_STORED):
    def write():
        with zipfile.ZipFile("weights.pth", "w", compression) as archive:
            for key, content in entries.items():
                archive.writestr(key, content)
        return Path("weights.pth")

    _file(f"a .pth {name}", write)


TENSOR = program(dictionary({"w": tensor(storage("0", 2**24), (2**24,))}))
BOMB = {"archive/data.pkl": TENSOR, "archive/data/0": bytes(2**26)}  # 65 kB on disk
_zip("that is a zip bomb", BOMB, zipfile.ZIP_DEFLATED)
_file("a .pth whose entries overlap", lambda: overlapping_zip(Path("weights.pth"), entries=100))
_file("a .pth that lists 200000 entries", lambda: listing_zip(Path("weights.pth"), entries=200_000))
_zip("that is a zip of something else", {"readme.txt": b"hello"})
for ending in (".pth", ".safetensors"):
    path = Path(f"weights{ending}")
    writer = (
        write_torch if ending == ".pth" else lambda path, state: (save_file(state, path), path)[1]
    )
    _file(f"a {ending} cut short", lambda path=path, writer=writer: cut_short(writer(path, STATE)))
    _file(f"an empty {ending}", lambda path=path: (path.touch(), path)[1])
    _file(
        f"a text called {ending}",
        lambda path=path: (path.write_text("hello, world " * 9), path)[1],
    )
_file(
    "a .pth that is a pointer of git lfs", lambda: _text("weights.pth", "version https://git-lfs")
)
_file("a .pth that is a web page", lambda: _text("weights.pth", "<!DOCTYPE html><html>"))
_file("a file of another ending", lambda: _text("weights.onnx", "hello"))
_file("a folder called .pth", lambda: (Path("weights.pth").mkdir(), Path("weights.pth"))[1])
_file("a .pth that is a pipe", lambda: (os.mkfifo("weights.pth"), Path("weights.pth"))[1])
_file("a .pth that is not there", lambda: Path("weights.pth"))


def _text(path, text):
    Path(path).write_text(text)
    return Path(path)


@bad(KIND, "a .pth without permission to read it")
def without_permission():
    write_torch(Path("weights.pth"), STATE)
    Path("weights.pth").chmod(0)
    Path().chmod(0o755)

    def read():
        with without_rights():
            read_state("weights.pth")

    return read

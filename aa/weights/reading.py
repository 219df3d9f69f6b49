"""Read foreign weight files as numpy arrays without running anything they contain.

Torch and safetensors files are mapped, not read: an array costs memory once it is used.
"""

import io
import json
import math
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

from aa.errors import UserError
from aa.weights.pickles import (
    PaddleUnpickler,
    RefusedPickle,
    TorchUnpickler,
    array_of,
    numpy_state,
)

_SAFETENSORS_TYPES = {
    "F64": "f8",
    "F32": "f4",
    "F16": "f2",
    "BF16": "bf16",
    "I64": "i8",
    "I32": "i4",
    "I16": "i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "b1",
}
_LONGEST_HEADER = 100_000_000  # the format's own limit


def _mapped(path):
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))


class _TorchArchive:
    """The entries of a torch zip file; torch stores them uncompressed."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.entries = {entry.filename: entry for entry in archive.infolist()}
        self.data = _mapped(path)

    def read(self, name):
        """Bytes of one entry, as a view of the file."""
        entry = self.entries[name]
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed, which torch never does")
        header = self.data[entry.header_offset : entry.header_offset + 30].tobytes()
        start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))  # name, extra
        content = self.data[start : start + entry.file_size]
        if content.size != entry.file_size:
            raise ValueError(f"it ends before {name}")
        return content


def _read_torch(path):
    archive = _TorchArchive(path)
    pickles = [n for n in archive.entries if n == "data.pkl" or n.endswith("/data.pkl")]
    if not pickles:
        raise ValueError("it has no data.pkl")
    home = pickles[0].removesuffix("data.pkl")
    content = io.BytesIO(archive.read(pickles[0]).tobytes())
    return TorchUnpickler(content, lambda key: archive.read(f"{home}data/{key}")).load()


def _read_paddle(path):
    with open(path, "rb") as file:
        return numpy_state(PaddleUnpickler(file).load())


def _read_safetensors(path):
    """The format is a length, a JSON header and the data; read here for bfloat16's sake."""
    content = _mapped(path)
    length = int.from_bytes(content[:8].tobytes(), "little")
    if length > min(_LONGEST_HEADER, content.size - 8):
        raise ValueError(f"its header is said to be {length} bytes long")
    header = json.loads(content[8 : 8 + length].tobytes())
    header.pop("__metadata__", None)
    data = content[8 + length :]
    state = {}
    for key, entry in header.items():
        start, end = entry["data_offsets"]
        if not 0 <= start <= end <= data.size:
            raise ValueError(f"it ends before {key}")
        array = array_of(data[start:end], _SAFETENSORS_TYPES[entry["dtype"]])
        if min(entry["shape"], default=0) < 0 or math.prod(entry["shape"]) != array.size:
            raise ValueError(f"{key} has {array.size} numbers for the shape {entry['shape']}")
        state[key] = array.reshape(entry["shape"])
    return state


_READERS = {
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".ckpt": _read_torch,
    ".bin": _read_torch,
    ".pdparams": _read_paddle,
    ".safetensors": _read_safetensors,
}


def _named_arrays(content):
    """The dict of arrays in a file's content, bare or as `state_dict`, without DDP's prefix."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise ValueError("it holds no dict of tensors")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, np.ndarray):
            raise ValueError(f"{str(key)[:80]} is no tensor")
    prefix = "module." if all(key.startswith("module.") for key in content) else ""
    return {key.removeprefix(prefix): value for key, value in content.items()}


def _advice(path):
    """What an unreadable file turns out to be, and what to do."""
    with open(path, "rb") as file:
        start = file.read(64)
    if start.startswith(b"version https://git-lfs"):
        return "It is git's pointer to the file: `git lfs pull` fetches the file itself."
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "It is a web page: download the file itself."
    if _READERS[path.suffix] is _read_torch and start.startswith(b"\x80"):
        return "It is a pickle as torch wrote before 1.6: load and save it with torch 1.6 or later."
    return "It may be truncated: compare its size with the published one, download it again."


def read_state(path):
    """Read one weight file.

    Args:
        path: a .pth, .pt, .ckpt or .bin of torch, a .pdparams of Paddle, or a .safetensors.

    Returns:
        dict of names and numpy arrays, as the file has them.

    Raises:
        UserError: the file is missing, truncated, damaged, not a dict of tensors, or its pickle
            asks for anything but tensors (then nothing of it has run).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such weight file.")
    if path.suffix not in _READERS:
        raise UserError(f"{path}: unknown kind of weight file; known are {', '.join(_READERS)}.")
    try:
        return _named_arrays(_READERS[path.suffix](path))
    except RefusedPickle as error:
        raise UserError(
            f"{path}: refused, {error}, which no weights need. Nothing was run; do not trust it."
        ) from error
    except PermissionError as error:
        raise UserError(f"{path}: no permission to read it.") from error
    except Exception as error:  # strange bytes can fail in any way
        plain = isinstance(error, (ValueError, pickle.UnpicklingError, zipfile.BadZipFile))
        reason = str(error) if plain else f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: not readable as weights ({reason}). {_advice(path)}") from error

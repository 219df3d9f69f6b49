"""Read foreign weight files as numpy arrays without running anything they contain.

Torch and safetensors files are mapped, not read: an array costs memory once it is used.
"""

import io
import json
import mmap
import os
from pathlib import Path

from safetensors import safe_open

from aa.errors import UserError, reason
from aa.files import missing
from aa.weights.archives import TorchArchive, mapped
from aa.weights.opcodes import check_program
from aa.weights.pickles import PaddleUnpickler, RefusedPickle, TorchUnpickler, final_array
from aa.weights.tensors import array_of

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
_LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors; of torch's data.pkl as well
_PADDLE_NAMES = "StructuredToParameterName@@"  # a table beside the arrays


def _read_torch(path):
    archive = TorchArchive(path)
    pickles = [n for n in archive.entries if n == "data.pkl" or n.endswith("/data.pkl")]
    if not pickles:
        raise ValueError("it has no data.pkl")
    home = pickles[0].removesuffix("data.pkl")
    content = archive.read(pickles[0])
    if content.size > _LONGEST_HEADER:
        raise ValueError(f"its data.pkl has {content.size} bytes, at most {_LONGEST_HEADER}")
    content = io.BytesIO(content.tobytes())
    check_program(content)
    content.seek(0)
    return TorchUnpickler(content, lambda key: archive.read(f"{home}data/{key}")).load()


def _read_paddle(path):
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        check_program(content)
        content.seek(0)
        return PaddleUnpickler(content, content.size()).load()


def _read_safetensors(path):
    """The format is a length, a JSON header and the data; the library knows no bfloat16 in numpy.

    The library checks types, shapes and places, which must cover the data without overlap.
    """
    with safe_open(path, framework="np"):
        pass
    content = mapped(path)
    length = int.from_bytes(content[:8].tobytes(), "little")
    header = json.loads(content[8 : 8 + length].tobytes(), object_pairs_hook=_no_doubles)
    header.pop("__metadata__", None)
    data = content[8 + length :]
    state = {}
    for key, entry in header.items():
        kind, (start, end) = entry["dtype"], entry["data_offsets"]
        if kind not in _SAFETENSORS_TYPES:
            raise ValueError(f"{key} has the type {kind}, which is not read here")
        state[key] = array_of(data[start:end], _SAFETENSORS_TYPES[kind]).reshape(entry["shape"])
    return state


def _no_doubles(pairs):
    """A JSON object as a dict; the library would keep the last of two entries."""
    found = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} is there twice")
        found[key] = value
    return found


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
    arrays = {}
    for key, value in content.items():
        if key == _PADDLE_NAMES:
            continue
        array = final_array(value)
        if not isinstance(key, str) or array is None:
            raise ValueError(f"{key if isinstance(key, str) else 'one key'} is no tensor")
        arrays[key] = array
    prefix = "module." if all(key.startswith("module.") for key in arrays) else ""
    return {key.removeprefix(prefix): array for key, array in arrays.items()}


def _advice(path):
    """What an unreadable file turns out to be, and what to do."""
    with open(path, "rb") as file:
        start = file.read(64)
    if start.startswith(b"version https://git-lfs"):
        return "It is git's pointer to the file: `git lfs pull` fetches the file itself."
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "It is a web page: download the file itself."
    if _READERS[path.suffix] is _read_torch and start.startswith(b"\x80"):
        return (
            "It is a pickle as torch wrote before 1.6: read it with torch.load(..., "
            "weights_only=True) and save it again."
        )
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
    if not os.path.isfile(path):
        raise UserError(f"{path}: {missing(path, 'file')}; a file of weights is wanted.")
    if path.suffix not in _READERS:
        raise UserError(f"{path}: unknown kind of weight file; known are {', '.join(_READERS)}.")
    try:
        return _named_arrays(_READERS[path.suffix](path))
    except RefusedPickle as error:
        raise UserError(
            f"{path}: refused, {error}, which no weights need. Nothing was run; do not trust it."
        ) from error
    except PermissionError as error:
        raise UserError(f"{path}: no permission to read it; chmod or copy it.") from error
    except Exception as error:  # strange bytes can fail in any way
        found = reason(error).removeprefix("Error while deserializing ")  # safetensors' preface
        raise UserError(f"{path}: not readable as weights ({found}). {_advice(path)}") from error

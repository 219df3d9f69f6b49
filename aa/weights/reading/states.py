"""Read foreign weight files as numpy arrays without running anything they contain.

Files are mapped, not read: an array costs memory once it is used.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from aa.errors import UserError, one_line, reason
from aa.files import missing
from aa.weights.reading.archives import TorchArchive, mapped
from aa.weights.reading.pickles import final_array, read_paddle_pickle, read_torch_pickle
from aa.weights.reading.room import ROOM, Room
from aa.weights.reading.safetensors import read_safetensors
from aa.weights.reading.shown import shown
from aa.weights.reading.stack import RefusedPickle

_PADDLE_NAMES = "StructuredToParameterName@@"  # a table beside the arrays


def _read_torch(path: Path, room: Room) -> Any:
    archive = TorchArchive(path, room)
    pickles = [n for n in archive.entries if n == "data.pkl" or n.endswith("/data.pkl")]
    if not pickles:
        raise ValueError("it has no data.pkl")
    home = pickles[0].removesuffix("data.pkl")
    content = archive.read(pickles[0])
    return read_torch_pickle(content, room, lambda key: archive.read(f"{home}data/{key}"))


def _read_paddle(path: Path, room: Room) -> Any:
    return read_paddle_pickle(mapped(path), room)


_READERS = {
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".ckpt": _read_torch,
    ".bin": _read_torch,
    ".pdparams": _read_paddle,
    ".safetensors": read_safetensors,
}


def _named_arrays(content: object) -> dict[str, np.ndarray]:
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
            raise ValueError(f"{shown(key) if isinstance(key, str) else 'one key'} is no tensor")
        arrays[key] = array
    prefix = "module." if all(key.startswith("module.") for key in arrays) else ""
    return {key.removeprefix(prefix): array for key, array in arrays.items()}


def _advice(path: Path) -> str:
    """Say what an unreadable file turns out to be, and what to do."""
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


def read_state(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read one weight file.

    Args:
        path: a .pth, .pt, .ckpt or .bin of torch, a .pdparams of Paddle, or a .safetensors.

    Returns:
        dict of names and numpy arrays, as the file has them.

    Raises:
        UserError: the file is missing, truncated, damaged, not a dict of tensors, or its pickle
            requests anything but tensors (then nothing of it has run).
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise UserError(f"{path}: {missing(path, 'file')}; a file of weights is wanted.")
    if path.suffix not in _READERS:
        raise UserError(f"{path}: unknown kind of weight file; known are {', '.join(_READERS)}.")
    try:
        room = Room(
            "its objects take more memory than a file of its size may",
            2 * os.path.getsize(path) + ROOM,
        )
        return _named_arrays(_READERS[path.suffix](path, room))
    except RefusedPickle as error:
        raise UserError(
            f"{path}: refused, {error}, which no weights need. Nothing was run; do not trust it."
        ) from error
    except PermissionError as error:
        raise UserError(f"{path}: no permission to read it; chmod or copy it.") from error
    except Exception as error:  # strange bytes can fail in any way
        found = shown(one_line(reason(error)), 300)
        raise UserError(f"{path}: not readable as weights ({found}). {_advice(path)}") from error

"""Read foreign weight files as numpy arrays without running anything they contain."""

import collections
import io
import json
import math
import pickle
import zipfile
from pathlib import Path

import numpy as np

from aa.errors import UserError

_TORCH_TYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_SAFETENSORS_TYPES = {"F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bf16", "I64": "i8"}


class RefusedPickle(pickle.UnpicklingError):
    """The file asks for something that is not a tensor."""


def _refuse(module, name):
    raise RefusedPickle(f"it asks to call {module}.{name}")


def _array(data, kind):
    """Bytes as a flat array; bfloat16 becomes float32."""
    if kind != "bf16":
        return np.frombuffer(data, dtype=np.dtype(kind).newbyteorder("<"))
    upper = np.frombuffer(data, dtype="<u2").astype(np.uint32)
    return (upper << 16).view(np.float32)


def _rebuild_tensor(storage, offset, size, stride, *_):
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if offset < 0 or min(stride, default=0) < 0 or (math.prod(size) and last >= storage.size):
        raise pickle.UnpicklingError("a tensor reaches outside its storage")
    steps = [s * storage.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


class _TorchUnpickler(pickle.Unpickler):
    """Knows tensors, storages and dicts; every other global is refused."""

    def __init__(self, archive, prefix):
        super().__init__(io.BytesIO(archive.read(f"{prefix}data.pkl")))
        self.archive, self.prefix, self.storages = archive, prefix, {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if module in ("torch", "torch.storage") and name in _TORCH_TYPES:
            return _TORCH_TYPES[name]
        return _refuse(module, name)

    def persistent_load(self, pid):
        _, kind, key, *_ = pid
        if key not in self.storages:
            self.storages[key] = _array(self.archive.read(f"{self.prefix}data/{key}"), kind)
        return self.storages[key]


class _PaddleUnpickler(pickle.Unpickler):
    """Knows numpy arrays and dicts; every other global is refused."""

    def find_class(self, module, name):
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.core.multiarray._reconstruct
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 stores bytes
            return lambda text, encoding: text.encode(encoding)
        return _refuse(module, name)


def _read_torch(path):
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n == "data.pkl" or n.endswith("/data.pkl")]
        if not names:
            raise pickle.UnpicklingError("it has no data.pkl")
        return _TorchUnpickler(archive, names[0].removesuffix("data.pkl")).load()


def _read_paddle(path):
    with open(path, "rb") as file:
        state = _PaddleUnpickler(file).load()
    if isinstance(state, dict):
        state.pop("StructuredToParameterName@@", None)
        # Nested states are saved as (name, array), bfloat16 as its upper 16 bits.
        state = {k: v[1] if isinstance(v, tuple) else v for k, v in state.items()}
        for key, value in state.items():
            if isinstance(value, np.ndarray) and value.dtype == np.uint16:
                state[key] = _array(value.tobytes(), "bf16").reshape(value.shape)
    return state


def _read_safetensors(path):
    """The format is a length, a JSON header and the data; read here for bfloat16's sake."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > Path(path).stat().st_size:
            raise ValueError("its header is longer than the file")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
    state = {}
    for key, entry in header.items():
        start, end = entry["data_offsets"]
        if end > data.size:
            raise ValueError(f"it ends before {key}")
        array = _array(data[start:end], _SAFETENSORS_TYPES[entry["dtype"]])
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
        state = _READERS[path.suffix](path)
    except RefusedPickle as error:
        raise UserError(
            f"{path}: refused, {error}, which no weights need. Nothing was run; do not trust it."
        ) from error
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
    ) as error:
        raise UserError(
            f"{path}: not readable as weights ({type(error).__name__}: {error}). "
            "It may be truncated: compare its size with the published one, download it again."
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, np.ndarray) for v in state.values()):
        raise UserError(f"{path}: holds no plain dict of tensors.")
    return {key.removeprefix("module."): value for key, value in state.items()}

"""Tensors as arrays: the bytes of a storage, and views of it."""

import math
import pickle
from typing import Any

import numpy as np

_MOST_DIMENSIONS = 32  # numpy's own limit


def array_of(data: bytes | memoryview, kind: str) -> np.ndarray:
    """Bytes as a flat array; bfloat16, the upper half of a float32, becomes one."""
    if kind != "bf16":
        return np.frombuffer(data, dtype=np.dtype(kind).newbyteorder("<"))
    return widen(np.frombuffer(data, dtype="<u2"))


def widen(upper: np.ndarray) -> np.ndarray:
    """Widen the upper 16 bits of float32 values to these values."""
    wide = upper.astype(np.uint32)
    wide <<= 16  # in place: a copy would be as large again
    return wide.view(np.float32)


class Storage:
    """The flat array that tensors are views of."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> np.ndarray:
    if not isinstance(storage, Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    check_dimensions(size, stride, (offset,))
    flat, count = storage.array, math.prod(size)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or (count and last >= flat.size) or count > flat.size:
        raise pickle.UnpicklingError("a tensor reaches outside its storage")
    start, steps = (offset if count else 0), [s * flat.itemsize for s in stride]
    return np.ndarray(size, flat.dtype, flat, start * flat.itemsize, steps)


def check_dimensions(*shapes: Any) -> None:
    """Refuse a list of sizes that is too long to work with; before any of them is looked at."""
    if any(type(shape) not in (tuple, list) for shape in shapes):
        raise pickle.UnpicklingError("a tensor whose sizes are no whole numbers")
    longest = max(len(shape) for shape in shapes)
    if longest > _MOST_DIMENSIONS:
        raise pickle.UnpicklingError(
            f"a tensor of {longest} dimensions, at most {_MOST_DIMENSIONS} are read"
        )
    if any(type(n) is not int for shape in shapes for n in shape):  # numpy's would wrap around
        raise pickle.UnpicklingError("a tensor whose sizes are no whole numbers")

"""Read a .safetensors file: a length, a JSON header and the data."""

import math
import os
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from aa.errors import one_line
from aa.weights.reading.archives import mapped
from aa.weights.reading.room import Room
from aa.weights.reading.shown import shown
from aa.weights.reading.stack import LONGEST_NAME
from aa.weights.reading.tensors import array_of

_TYPES = {
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
_SIZES = {kind: 2 if code == "bf16" else np.dtype(code).itemsize for kind, code in _TYPES.items()}
_LENGTH = 8  # bytes in front of the header
_QUOTE, _COMMA = 90, 40  # bytes in memory for each of a header


def read_safetensors(path: str | os.PathLike, room: Room) -> dict[str, np.ndarray]:
    """Names and arrays of a file.

    The library reads the header: it checks types, shapes and places, which must cover the data
    without overlap. It knows no bfloat16 in numpy, so the data are read here.

    Args:
        path: the file.
        room: for what the header lists.

    Raises:
        ValueError: it is damaged, of a type that is not read, or has a name twice.
        pickle.UnpicklingError: it lists more than there is room for.
    """
    content = mapped(path)
    start = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    header = bytes(content[_LENGTH:start])
    room.take(_QUOTE * header.count(b'"') + _COMMA * header.count(b","))
    state = {}
    try:
        with safe_open(path, framework="np") as file:
            for name in file.offset_keys():
                start, state[name] = _array(file, name, content, start)
    except SafetensorError as error:
        raise ValueError(one_line(error).removeprefix("Error while deserializing ")) from error
    if header.count(b'"data_offsets"') > len(state):  # the library keeps the last one
        raise ValueError("a name is there twice")
    return state


def _array(file: Any, name: str, content: memoryview, start: int) -> tuple[int, np.ndarray]:
    """The end of the array that begins at `start`, and the array."""
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has {len(name)} characters, at most {LONGEST_NAME} are read")
    entry = file.get_slice(name)
    kind, shape = entry.get_dtype(), entry.get_shape()
    if kind not in _TYPES:
        raise ValueError(f"{shown(name)} has the type {kind}, which is not read here")
    end = start + math.prod(shape) * _SIZES[kind]
    return end, array_of(content[start:end], _TYPES[kind]).reshape(shape)

"""The names that a pickle of tensors may ask for, and what they make here.

A pickle is a program: it may name anything importable, call it and change it. Here it finds only
the names below, which build arrays and dicts; any other is refused before anything is called.
"""

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from aa.weights.reading.opcodes import read_pickle
from aa.weights.reading.room import Room
from aa.weights.reading.shown import shown
from aa.weights.reading.stack import RefusedPickle
from aa.weights.reading.steps import Function, LongText, Made
from aa.weights.reading.tensors import Storage, array_of, check_dimensions, rebuild_tensor, widen

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
    "BoolStorage": "b1",
}
_NUMPY_CODES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_NUMPY_ORDERS = ("<", ">", "=", "|")
_LATIN1 = 0xC3  # the largest first byte, in UTF-8, of what is one byte in latin1
_NOTHING = np.zeros(0, np.float32)
_STORAGE = 350  # bytes, its values aside


class _Dict(dict, Made):
    """An OrderedDict without the attributes that torch hangs on it."""

    __slots__ = ()

    def set_state(self, state: Any) -> None:
        pass


class _Dtype(Made):
    """A pickled numpy.dtype. numpy's own trusts the file, down to sizes and offsets in memory."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, *_: Any) -> None:
        if type(code) is not str or code not in _NUMPY_CODES:
            raise pickle.UnpicklingError(f"an array of {shown(code)}, which is no number")
        self.dtype = np.dtype(code)

    def set_state(self, state: Any) -> None:
        order = state[1] if type(state) is tuple and len(state) > 1 else None
        if type(order) is not str or order not in _NUMPY_ORDERS:
            raise pickle.UnpicklingError("an array without a proper type or shape")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(Made):
    """A pickled numpy.ndarray; `array` is what it holds, `numbers` are the values of that."""

    __slots__ = ("array", "room", "wide")

    def __init__(self, room: Room, *_: Any) -> None:
        self.room, self.array, self.wide = room, _NOTHING, None

    def numbers(self) -> np.ndarray:
        """The array; of uint16, which is Paddle's bfloat16, the same float32 for every name."""
        if self.wide is None:
            self.wide = widen(self.array) if self.array.dtype == np.uint16 else self.array
        return self.wide

    def set_state(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5:
            raise pickle.UnpicklingError("an array without a proper type or shape")
        _, shape, dtype, column_major, data = state
        check_dimensions(shape)
        if not isinstance(dtype, _Dtype) or min(shape, default=0) < 0:
            raise pickle.UnpicklingError("an array without a proper type or shape")
        array = np.frombuffer(data, dtype=dtype.dtype)
        self.room.take(array.nbytes)
        self.array = array.reshape(shape, order="F" if column_major is True else "C")


def _encode(room: Room, text: Any, encoding: Any) -> bytes | memoryview:
    """Bytes that pickle protocol 2 stores as text; those that are ASCII stay where they are."""
    if type(encoding) is not str or encoding != "latin1":
        raise RefusedPickle(f"it asks for the encoding {shown(encoding)}")
    if type(text) is str:
        room.take(len(text))
        return text.encode("latin1")
    if not isinstance(text, LongText):
        raise RefusedPickle(f"it asks for the code of a {type(text).__name__}")
    room.take(len(text.data))
    largest = np.frombuffer(text.data, np.uint8).max()
    if largest > _LATIN1:
        raise pickle.UnpicklingError("bytes that are no latin1")
    return text.data if largest < 0x80 else str(text.data, "utf-8").encode("latin1")


def _pair(items: Any) -> tuple[Any, ...]:
    """Paddle's (name, array)."""
    if type(items) is not tuple:
        raise RefusedPickle(f"it asks for a tuple of a {type(items).__name__}")
    return items


def _ordered_dict(*arguments: Any) -> _Dict:
    """Torch and Paddle fill it afterwards; keys in a list could be anything."""
    if arguments:
        raise pickle.UnpicklingError("an OrderedDict that does not begin empty")
    return _Dict()


_REBUILD = Function(rebuild_tensor)
_TORCH_NAMES = {
    ("collections", "OrderedDict"): Function(_ordered_dict),
    ("torch._utils", "_rebuild_tensor"): _REBUILD,
    ("torch._utils", "_rebuild_tensor_v2"): _REBUILD,
    ("torch._utils", "_rebuild_parameter"): Function(lambda tensor, *_: tensor),
    **{("torch", name): kind for name, kind in _TORCH_TYPES.items()},
}
_PADDLE_NAMES = {
    ("collections", "OrderedDict"): Function(_ordered_dict),
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): Function(_Dtype),
    ("builtins", "tuple"): Function(_pair),
    ("__builtin__", "tuple"): Function(_pair),
}


def _known(names: dict[tuple[str, str], Any], module: str, name: str) -> Any:
    if (module, name) not in names:
        raise RefusedPickle(f"it asks for {shown(module)}.{shown(name)}")
    return names[module, name]


def read_torch_pickle(content: memoryview, room: Room, read_storage: Callable) -> Any:
    """Read what the `data.pkl` of a torch file describes.

    Args:
        content: the pickle.
        room: for its objects.
        read_storage: function key -> bytes of that storage.

    Raises:
        pickle.UnpicklingError: it is damaged, too costly, or requests what no tensor needs.
    """
    storages = {}

    def stored(pid: Any) -> Storage:
        if type(pid) is not tuple or len(pid) < 3:
            raise pickle.UnpicklingError("a storage without a proper type or name")
        _, kind, key = pid[:3]
        if type(kind) is not str or kind not in _TORCH_TYPES.values() or type(key) is not str:
            raise pickle.UnpicklingError("a storage without a proper type or name")
        if key not in storages:
            room.take(_STORAGE)
            storages[key] = Storage(array_of(read_storage(key), kind))
        return storages[key]

    return read_pickle(content, room, partial(_known, _TORCH_NAMES), stored)


def read_paddle_pickle(content: memoryview, room: Room) -> Any:
    """Read what a .pdparams describes; `final_array` turns its values into arrays.

    Args:
        content: the pickle; every array, and every text to encode, is among its bytes once.
        room: for its objects.

    Raises:
        pickle.UnpicklingError: it is damaged, too costly, or requests what no tensor needs.
    """
    arrays = Room("its arrays are larger than the file", len(content))
    texts = Room("its texts are larger than the file", len(content))
    array = Function(partial(_Array, arrays))
    names = _PADDLE_NAMES | {
        ("numpy.core.multiarray", "_reconstruct"): array,
        ("numpy._core.multiarray", "_reconstruct"): array,
        ("_codecs", "encode"): Function(partial(_encode, texts)),
    }
    return read_pickle(content, room, partial(_known, names))


def final_array(value: Any) -> np.ndarray | None:
    """A value that a pickle made as an array; None if it is none."""
    if type(value) is tuple and len(value) == 2:  # (name, array)
        value = value[1]
    if isinstance(value, _Array):
        return value.numbers()
    return value if isinstance(value, np.ndarray) else None

"""Unpicklers that know tensors and nothing else.

A pickle is a program: it may name anything importable, call it and change it. These know only the
names below, which build arrays and dicts; any other name is refused before anything is called.
"""

import pickle
from functools import cached_property, partial

import numpy as np

from aa.weights.tensors import Storage, array_of, check_dimensions, rebuild_tensor, widen

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


class RefusedPickle(pickle.UnpicklingError):
    """The file asks for something that is not a tensor."""


class _Function:
    """A function that a pickle may call, but not change as it may change any object."""

    __slots__ = ("function",)

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)

    def __setstate__(self, state):
        raise RefusedPickle("it asks to change a function")


class _Dict(dict):
    """An OrderedDict without the attributes that torch hangs on it."""

    def __setstate__(self, state):
        pass


class _Dtype:
    """A pickled numpy.dtype. numpy's own trusts the file, down to sizes and offsets in memory."""

    def __init__(self, code, *_):
        if not isinstance(code, str) or code not in _NUMPY_CODES:
            raise pickle.UnpicklingError(f"an array of {_plain(code)}, which is no number")
        self.dtype = np.dtype(code)

    def __setstate__(self, state):
        self.dtype = self.dtype.newbyteorder(state[1])


class _Room:
    """How many bytes a file may fill with one kind of thing: not the same ones again and again."""

    def __init__(self, things, size):
        self.things, self.left = things, size

    def take(self, count):
        self.left -= count
        if self.left < 0:
            raise pickle.UnpicklingError(f"its {self.things} are larger than the file")


class _Array:
    """A pickled numpy.ndarray; `array` is what it holds, `numbers` what that stands for."""

    def __init__(self, room, *_):
        self.room, self.array = room, np.zeros(0, np.float32)

    @cached_property
    def numbers(self):
        """The array; of uint16, which is Paddle's bfloat16, the same float32 for every name."""
        return widen(self.array) if self.array.dtype == np.uint16 else self.array

    def __setstate__(self, state):
        _, shape, dtype, column_major, data = state
        check_dimensions(shape)
        if not isinstance(dtype, _Dtype) or min(shape, default=0) < 0:
            raise pickle.UnpicklingError("an array without a proper type or shape")
        array = np.frombuffer(data, dtype=dtype.dtype)
        self.room.take(array.nbytes)
        self.array = array.reshape(shape, order="F" if column_major else "C")


def _encode(room, text, encoding):
    """How pickle protocol 2 stores bytes."""
    if not isinstance(encoding, str) or encoding != "latin1":
        raise RefusedPickle(f"it asks for the encoding {_plain(encoding)}")
    room.take(len(text))
    return text.encode("latin1")


def _pair(items):
    """Paddle's (name, array). From a list it would hide its size from `opcodes`."""
    if not isinstance(items, tuple):
        raise RefusedPickle(f"it asks for a tuple of a {type(items).__name__}")
    return items


def _plain(value):
    """A value for a message: of a nested one, whose text could be endless, its type."""
    return value if isinstance(value, str) else f"a {type(value).__name__}"


_REBUILD = _Function(rebuild_tensor)
_TORCH_NAMES = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _REBUILD,
    ("torch._utils", "_rebuild_tensor_v2"): _REBUILD,
    ("torch._utils", "_rebuild_parameter"): _Function(lambda tensor, *_: tensor),
    **{("torch", name): kind for name, kind in _TORCH_TYPES.items()},
}
_PADDLE_NAMES = {
    ("collections", "OrderedDict"): _Dict,
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _Dtype,
    ("builtins", "tuple"): _Function(_pair),
    ("__builtin__", "tuple"): _Function(_pair),
}


def _known(names, module, name):
    if (module, name) not in names:
        raise RefusedPickle(f"it asks for {module}.{name}")
    return names[module, name]


class TorchUnpickler(pickle.Unpickler):
    """Reads the `data.pkl` of a torch file.

    Args:
        file: the pickle, open.
        read_storage: function key -> bytes of that storage.
    """

    def __init__(self, file, read_storage):
        super().__init__(file)
        self.read_storage, self.storages = read_storage, {}

    def find_class(self, module, name):
        return _known(_TORCH_NAMES, module, name)

    def persistent_load(self, pid):
        if not isinstance(pid, tuple) or len(pid) < 3:  # a long list would be copied at every call
            raise pickle.UnpicklingError("a storage without a proper type or name")
        _, kind, key = pid[:3]
        if kind not in _TORCH_TYPES.values() or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage without a proper type or name")
        if key not in self.storages:
            self.storages[key] = Storage(array_of(self.read_storage(key), kind))
        return self.storages[key]


class PaddleUnpickler(pickle.Unpickler):
    """Reads a .pdparams; `final_array` turns its values into arrays.

    Args:
        file: the pickle, open.
        size: its bytes; every array, and every text to encode, is among them once.
    """

    def __init__(self, file, size):
        super().__init__(file)
        array = _Function(partial(_Array, _Room("arrays", size)))
        self.names = _PADDLE_NAMES | {
            ("numpy.core.multiarray", "_reconstruct"): array,
            ("numpy._core.multiarray", "_reconstruct"): array,
            ("_codecs", "encode"): _Function(partial(_encode, _Room("texts", size))),
        }

    def find_class(self, module, name):
        return _known(self.names, module, name)


def final_array(value):
    """A value that an unpickler made as an array; None if it is none."""
    if isinstance(value, tuple) and len(value) == 2:  # (name, array)
        value = value[1]
    if isinstance(value, _Array):
        return value.numbers
    return value if isinstance(value, np.ndarray) else None

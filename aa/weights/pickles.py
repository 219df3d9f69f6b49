"""Unpicklers that know tensors and nothing else.

A pickle is a program: it may name anything importable, call it and change it. These know only the
names below, which build arrays and dicts; any other name is refused before anything is called.
"""

import math
import pickle

import numpy as np

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


def array_of(data, kind):
    """Bytes as a flat array; bfloat16, the upper half of a float32, becomes one."""
    if kind != "bf16":
        return np.frombuffer(data, dtype=np.dtype(kind).newbyteorder("<"))
    return widen(np.frombuffer(data, dtype="<u2"))


def widen(upper):
    """Upper 16 bits of float32 numbers as these numbers."""
    return (upper.astype(np.uint32) << 16).view(np.float32)


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


class _Array:
    """A pickled numpy.ndarray; `array` is what it holds."""

    def __init__(self, *_):
        self.array = np.zeros(0, np.float32)

    def __setstate__(self, state):
        _, shape, dtype, column_major, data = state
        if not isinstance(dtype, _Dtype) or min(shape, default=0) < 0:
            raise pickle.UnpicklingError("an array without a proper type or shape")
        array = np.frombuffer(data, dtype=dtype.dtype)
        self.array = array.reshape(shape, order="F" if column_major else "C")


class _Storage:
    """The flat array that tensors are views of."""

    def __init__(self, array):
        self.array = array


def _rebuild_tensor(storage, offset, size, stride, *_):
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    if any(type(n) is not int for n in (offset, *size, *stride)):  # numpy's own would wrap around
        raise pickle.UnpicklingError("a tensor whose sizes are no whole numbers")
    flat, count = storage.array, math.prod(size)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or (count and last >= flat.size) or count > flat.size:
        raise pickle.UnpicklingError("a tensor reaches outside its storage")
    steps = [s * flat.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(flat[offset:], size, steps, writeable=False)


def _encode(text, encoding):
    """How pickle protocol 2 stores bytes."""
    if not isinstance(encoding, str) or encoding != "latin1":
        raise RefusedPickle(f"it asks for the encoding {_plain(encoding)}")
    return text.encode("latin1")


def _pair(items):
    """Paddle's (name, array). From a list it would hide its size from `opcodes`."""
    if not isinstance(items, tuple):
        raise RefusedPickle(f"it asks for a tuple of a {type(items).__name__}")
    return items


def _plain(value):
    """A value for a message: of a nested one, whose text could be endless, its type."""
    return value if isinstance(value, str) else f"a {type(value).__name__}"


_REBUILD = _Function(_rebuild_tensor)
_TORCH_NAMES = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _REBUILD,
    ("torch._utils", "_rebuild_tensor_v2"): _REBUILD,
    ("torch._utils", "_rebuild_parameter"): _Function(lambda tensor, *_: tensor),
    **{("torch", name): kind for name, kind in _TORCH_TYPES.items()},
}
_PADDLE_NAMES = {
    ("collections", "OrderedDict"): _Dict,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Function(_encode),
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
        _, kind, key, *_ = pid
        if kind not in _TORCH_TYPES.values() or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage without a proper type or name")
        if key not in self.storages:
            self.storages[key] = _Storage(array_of(self.read_storage(key), kind))
        return self.storages[key]


class PaddleUnpickler(pickle.Unpickler):
    """Reads a .pdparams; `final_array` turns its values into arrays."""

    def find_class(self, module, name):
        return _known(_PADDLE_NAMES, module, name)


def final_array(value):
    """A value that an unpickler made as an array; None if it is none."""
    if isinstance(value, tuple) and len(value) == 2:  # (name, array)
        value = value[1]
    if isinstance(value, _Array):
        return widen(value.array) if value.array.dtype == np.uint16 else value.array  # bfloat16
    return value if isinstance(value, np.ndarray) else None

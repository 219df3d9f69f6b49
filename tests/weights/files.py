"""Weight files as torch and Paddle write them, written without torch."""

import copy
import json
import pickle
import struct
import zipfile

import numpy as np

from aa.weights.tables import is_linear

_STORAGES = {"f2": "HalfStorage", "f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage"}


def plain(value):
    """Opcodes that push a plain Python value."""
    return pickle.dumps(value, 2)[2:-1]


def name(module, attribute):
    """Opcodes that push what a module calls `attribute`, without importing it here."""
    return f"c{module}\n{attribute}\n".encode()


def call(function, *arguments):
    """Opcodes that call a function with pushed arguments."""
    return function + b"(" + b"".join(arguments) + b"tR"


def program(opcodes):
    """A whole pickle."""
    return b"\x80\x02" + opcodes + b"."


def dictionary(entries):
    """Opcodes that push a dict of names to pushed values."""
    return b"}(" + b"".join(plain(key) + value for key, value in entries.items()) + b"u"


def storage(key, count, kind="FloatStorage"):
    """Opcodes that push the storage `data/<key>`."""
    entries = plain("storage"), name("torch", kind), plain(key), plain("cpu"), plain(count)
    return b"(" + b"".join(entries) + b"tQ"


def tensor(of, size, *, stride=None, offset=0):
    """Opcodes that push a tensor, a view of a pushed storage."""
    if stride is None:
        stride = tuple(int(np.prod(size[i + 1 :])) for i in range(len(size)))
    hooks = call(name("collections", "OrderedDict"))
    rebuild = name("torch._utils", "_rebuild_tensor_v2")
    return call(rebuild, of, plain(offset), plain(size), plain(stride), plain(False), hooks)


def paddle_array(data, shape, kind="u2"):
    """Opcodes that push a numpy array of pushed bytes, as Paddle stores it."""
    dtype = call(name("numpy", "dtype"), plain(kind), plain(False), plain(True))
    made = call(
        name("numpy.core.multiarray", "_reconstruct"),
        name("numpy", "ndarray"),
        plain((0,)),
        plain("b"),
    )
    return made + b"(" + plain(1) + plain(shape) + dtype + plain(False) + data + b"tb"


def overlapping_zip(path, *, entries, size=400):
    """A torch file in which storages 1, 2, ... are listed at the place of storage 0."""
    content = {}
    for key in map(str, range(entries)):
        content[key] = tensor(storage(key, size // 2, "BFloat16Storage"), (size // 2,))
    write_torch_zip(path, dictionary(content), {"0": bytes(size)})
    with zipfile.ZipFile(path, "a") as archive:
        for key in map(str, range(1, entries)):
            entry = copy.copy(archive.getinfo("archive/data/0"))
            entry.filename = f"archive/data/{key}"
            archive.filelist.append(entry)
        archive._didModify = True  # write the list of entries anew
    return path


def listing_zip(path, *, entries):
    """A zip file that is nothing but a list of entries without names."""
    listed = struct.pack("<4s6H3I5H2I", b"PK\1\2", *[0] * 16) * entries
    path.write_bytes(listed + struct.pack("<4s4H2IH", b"PK\5\6", *[0] * 4, len(listed), 0, 0))
    return path


def write_torch_zip(path, content, storages):
    """A torch file of opcodes and the bytes of its storages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program(content))
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
    return path


def write_torch(path, state):
    """`torch.save` of a dict of arrays."""
    entries, storages = {}, {}
    for key, array in state.items():
        place = str(len(storages))
        kind = _STORAGES[array.dtype.str[1:]]
        entries[key] = tensor(storage(place, array.size, kind), array.shape)
        storages[place] = array.tobytes()
    return write_torch_zip(path, dictionary(entries), storages)


def write_paddle(path, state):
    """`paddle.save` of a dict of tensors, Linear weights as [in, out]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turned = {k: np.ascontiguousarray(v.T) if is_linear(k, v) else v for k, v in state.items()}
    names = {"StructuredToParameterName@@": {key: key for key in state}}
    path.write_bytes(pickle.dumps(turned | names, protocol=4))
    return path


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def change_json(path, **values):
    """Change some values of a JSON file; None takes a key away."""
    content = json.loads(path.read_text()) | values
    return write_json(path, {k: v for k, v in content.items() if v is not None})


def cut_short(path):
    """Keep the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path

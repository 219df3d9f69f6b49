"""Pickles in every layout: what they try, and what is said. Nothing of them runs."""

import os
import pickle
from pathlib import Path

from aa.weights.reading.states import read_state
from tests.bad_input.case import bad
from tests.weights.files import (
    call,
    dictionary,
    name,
    paddle_array,
    plain,
    program,
    storage,
    tensor,
)
from tests.weights.files import write_torch_zip as write_zip

KIND = "Weights: pickles"
TORCH, BOTH, ALL = (".pth",), (".pth", ".pdparams"), (".pth", ".bin", ".ckpt", ".pdparams")
OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."  # how such a file starts


class Touch:
    """Pickles as a call that makes a file."""

    def __reduce__(self):
        return os.system, ("touch made",)


def nested_tuples(levels):
    """Opcodes of a tuple of all of: a tuple twice of a tuple twice ..., 7 bytes a level."""
    return b"(" + plain(1) + b"q\0" + b"h\0h\0\x86q\0" * levels + b"t"


def nested_dicts(levels):
    """Opcodes of a dict that holds the next twice, and so on."""
    made = [b"}" + plain("a") + b"](" + plain({"a": 1}) + b"r\0\0\0\0"]
    for level in range(1, levels):
        inner, this = ((n).to_bytes(4, "little") for n in (level - 1, level))
        twice = plain("a") + b"j" + inner + plain("b") + b"j" + inner
        made.append(b"}(" + twice + b"ur" + this)
    return b"".join(made) + b"es"


def torch_storage(kind, key):
    """Opcodes of a storage whose type and key are pushed plainly."""
    entries = plain("storage"), kind, key, plain("cpu"), plain(2)
    return b"(" + b"".join(entries) + b"tQ"


def wide_list(count):
    """Opcodes of a list of ones, which the count of what tuples nest does not see."""
    return b"](" + plain(1) * count + b"e"


def frame(opcodes):
    """Opcodes in a frame of their size."""
    return b"\x95" + len(opcodes).to_bytes(8, "little") + opcodes


# Three bytes, of which the last begin a number; behind it what pushes bytes, or is a push itself.
FRAME = b"\x95" + (3).to_bytes(8, "little") + b"}M\0\0CN"
REBUILD, ORDERED = name("torch._utils", "_rebuild_tensor_v2"), name("collections", "OrderedDict")
DOTTED = plain("collections") + plain("OrderedDict.fromkeys.__globals__") + b"\x93"  # STACK_GLOBAL
ZERO_D = tensor(storage("0", 1, "LongStorage"), ())
PROGRAMS = {
    "asks for os.system": (ALL, pickle.dumps({"w": Touch()}, 2)[2:-1]),
    "asks for builtins.eval": (ALL, call(name("builtins", "eval"), plain("open('made', 'w')"))),
    "asks for builtins.getattr": (ALL, call(name("builtins", "getattr"), ORDERED, plain("pop"))),
    "asks for a dotted name below an allowed one": (ALL, DOTTED),
    "changes a function it may call": (TORCH, REBUILD + plain((None, {"function": 1})) + b"b"),
    "calls an allowed name with a number": (ALL, call(ORDERED, plain(5))),
    "makes a tensor of nothing": (TORCH, call(REBUILD)),
    "makes a tensor of more numbers than the file has": (
        TORCH,
        dictionary({"w": tensor(storage("0", 2), (10**12,), stride=(0,))}),
    ),
    "makes a tensor outside its storage": (TORCH, dictionary({"w": tensor(storage("0", 2), (3,))})),
    "makes a tensor whose size is another tensor": (
        TORCH,
        call(REBUILD, storage("0", 2), plain(0), ZERO_D + b"\x85", ZERO_D + b"\x85"),
    ),
    "makes a tensor of 100000 dimensions": (
        TORCH,
        call(REBUILD, storage("0", 2), plain(0), wide_list(100_000), wide_list(100_000)),
    ),
    "names a storage of objects": (TORCH, torch_storage(plain("O"), plain("0"))),
    "names a storage that is not there": (TORCH, dictionary({"w": tensor(storage("7", 2), (2,))})),
    "makes an array of objects": (
        (".pdparams",),
        call(name("numpy", "dtype"), plain("O8"), plain(False), plain(True)),
    ),
    "asks for an encoding that runs code": (
        (".pdparams",),
        call(name("_codecs", "encode"), plain("x"), plain("rot13")),
    ),
    "encodes a text of 1 MB 3000 times": (
        (".pdparams",),
        plain("x" * 10**6)
        + b"q\x01]("
        + call(name("_codecs", "encode"), b"h\x01", plain("latin1")) * 3000
        + b"e",
    ),
    "makes 3000 arrays of the same 1 MB": (
        (".pdparams",),
        plain("x" * 10**6)
        + b"q\x01"
        + call(name("_codecs", "encode"), b"h\x01", plain("latin1"))
        + b"q\x02}("
        + b"".join(plain(str(i)) + paddle_array(b"h\x02", (500_000,)) for i in range(3000))
        + b"u",
    ),
    "asks for room for 2 billion objects": (ALL, plain(None) + b"r\xff\xff\xff\x7f"),
    "says that it holds a terabyte": (
        BOTH,
        b"\x8e" + (2**40).to_bytes(8, "little"),
    ),
    "takes nested tuples as a key, 2^40 steps": (ALL, b"}" + nested_tuples(40) + plain(1) + b"s"),
    "takes nested tuples as a type": (
        (".pdparams",),
        call(name("numpy", "dtype"), nested_tuples(40)),
    ),
    "nests dicts, 2^60 of them": (ALL, nested_dicts(60)),
    "takes 2 million steps": (TORCH, b"N" + b"q\0" * 2_000_000),
    "holds 2 million empty lists": (BOTH, b"](" + b"]" * 2_000_000 + b"e"),
    "holds 2 million empty dicts": (BOTH, b"](" + b"}" * 2_000_000 + b"e"),
    "uses an opcode that no tensor needs": (BOTH, b"N2\x86"),
    "has a frame that ends inside an argument": (BOTH, FRAME + b"Nr\0\0\0\x08" + b"0N" * 36 + b"0"),
    "has a frame inside a frame": (BOTH, b"\x95" + (11).to_bytes(8, "little") + frame(b"N") + b"."),
    "has a frame that is longer than the file": (BOTH, b"\x95" + b"\xff" * 8),
    "has a number of 255 bytes": (BOTH, b"\x8a\xff" + b"\x7f" * 255),
    "has a number of 100000 bytes": (
        BOTH,
        b"\x8b" + (100_000).to_bytes(4, "little") + b"\x7f" * 10**5,
    ),
    "has a number of 100000 digits": (BOTH, b"I" + b"7" * 10**5 + b"\n"),
    "asks for a name of 1 MB": (BOTH, name("\x1b" * 10**6, "b")),
    "has a key of 20 MB": (BOTH, b"}" + plain("\x1b" * 20_000_000) + b"Ns"),
    "takes nested tuples as keys of an OrderedDict": (
        BOTH,
        call(ORDERED, b"]" + nested_tuples(40) + b"N\x86a"),
    ),
    "nests 20000 lists": (BOTH, b"]" * 20000 + b"a" * 19999),
    "takes from an empty stack": (BOTH, b"aaaa"),
    "holds a number and no tensors": (BOTH, plain(3)),
    "holds a number among its tensors": (BOTH, dictionary({"epoch": plain(3)})),
}


def write(kind, opcodes):
    path = Path(f"weights{kind}")
    if kind == ".pdparams":
        path.write_bytes(program(opcodes))
        return path
    return write_zip(path, opcodes, {"0": bytes(8)})


def _add(kind, what, opcodes):
    @bad(KIND, f"a {kind} that {what}")
    def prepare():
        path = write(kind, opcodes)
        return lambda: read_state(path)


for what, (kinds, opcodes) in PROGRAMS.items():
    for kind in kinds:
        _add(kind, what, opcodes)


@bad(KIND, "a .pth of torch before 1.6 that asks for os.system")
def old_torch():
    Path("weights.pth").write_bytes(OLD_TORCH + pickle.dumps({"w": Touch()}, 2))
    return lambda: read_state("weights.pth")

"""A reader of pickles that knows only the opcodes that dicts of tensors are written with.

A pickle is a program. Python's own reader does whatever that says, and a second reader that looked
at the program first could be told something else. This is the only one: what it counts is what it
does. It makes texts, numbers, tuples, lists and dicts; its `find` makes anything else.
"""

import pickle
import pickletools
import struct
from collections.abc import Callable
from typing import Any

from aa.weights.reading.room import Room
from aa.weights.reading.stack import RefusedPickle
from aa.weights.reading.steps import Steps

PROTOCOLS = range(2, 6)
STEP = 64  # bytes of room that allow a step: tensors take a step for some ten bytes of the file
STOP = ord(".")

# The steps that torch and Paddle write, and pickle itself in these protocols for the same: a step's
# byte -> its method and its argument, often the width of a number that follows.
_STEPS: dict[int, tuple[Callable, Any]] = {
    ord("("): (Steps.set_mark, None),
    ord("N"): (Steps.constant, None),
    0x88: (Steps.constant, True),
    0x89: (Steps.constant, False),
    ord(")"): (Steps.constant, ()),
    ord("K"): (Steps.read_packed, struct.Struct("<B")),
    ord("M"): (Steps.read_packed, struct.Struct("<H")),
    ord("J"): (Steps.read_packed, struct.Struct("<i")),
    ord("G"): (Steps.read_packed, struct.Struct(">d")),
    0x8A: (Steps.read_long, None),
    0x8C: (Steps.read_text, 1),
    ord("X"): (Steps.read_text, 4),
    0x8D: (Steps.read_text, 8),
    ord("C"): (Steps.read_bytes, 1),
    ord("B"): (Steps.read_bytes, 4),
    0x8E: (Steps.read_bytes, 8),
    0x85: (Steps.make_tuple, 1),
    0x86: (Steps.make_tuple, 2),
    0x87: (Steps.make_tuple, 3),
    ord("t"): (Steps.make_tuple, None),
    ord("]"): (Steps.empty, list),
    ord("}"): (Steps.empty, dict),
    ord("a"): (Steps.append, None),
    ord("e"): (Steps.appends, None),
    ord("s"): (Steps.set_item, None),
    ord("u"): (Steps.set_items, None),
    ord("q"): (Steps.put, 1),
    ord("r"): (Steps.put, 4),
    0x94: (Steps.put, None),
    ord("h"): (Steps.get, 1),
    ord("j"): (Steps.get, 4),
    ord("c"): (Steps.named, None),
    0x93: (Steps.named_by_texts, None),
    0x95: (Steps.start_frame, None),
    ord("Q"): (Steps.load_stored, None),
    ord("R"): (Steps.call, None),
    ord("b"): (Steps.build, None),
}


def read_pickle(content: memoryview, room: Room, *loaders: Callable) -> Any:
    """The object that a pickle describes.

    Args:
        content: its bytes.
        room: for its objects; it also says how many steps are taken at most.
        loaders: `find` and `stored` of `Steps`.

    Raises:
        pickle.UnpicklingError: it is damaged, or requests more memory than it may.
        RefusedPickle: it requests what no tensor needs.
    """
    steps, most = Steps(content, room, *loaders), room.left // STEP
    if bytes(steps.take(min(2, len(content)))) not in [bytes([0x80, n]) for n in PROTOCOLS]:
        raise pickle.UnpicklingError("it does not start as a pickle of protocol 2 to 5")
    for _ in range(most):
        code = steps.code()
        if code == STOP:
            return steps.result()
        if code not in _STEPS:
            raise _unknown(code)
        step, argument = _STEPS[code]
        step(steps, argument)
    raise pickle.UnpicklingError(f"it takes more than {most} steps")


def _unknown(code: int) -> pickle.UnpicklingError:
    for opcode in pickletools.opcodes:
        if ord(opcode.code) == code:
            return RefusedPickle(f"it asks for the opcode {opcode.name}")
    return pickle.UnpicklingError(f"the byte {code} is no opcode")

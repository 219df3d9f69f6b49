"""What a pickle would do to memory and time, counted before it runs.

`pickles` decides what a pickle may call. This decides what it may cost: the unpickler makes room
for any memo index it is told, and a tuple of a tuple twice of a tuple twice ... is a few bytes in
the file and 2^n steps for the first dict that takes it as a key.
"""

import pickle
import pickletools

_MOST_IN_TUPLE = 1000  # a tensor's arguments are 20
_MOST_STEPS = 1_000_000  # some 40 a tensor
_PUT = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
_GET = ("GET", "BINGET", "LONG_BINGET")
# Their result holds what they take; a dict or a list is no key, so what it holds does not count.
_HOLDERS = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET", "REDUCE", "NEWOBJ", "OBJ", "INST")
_HOLDERS += ("NEWOBJ_EX", "BUILD")
_MARK = pickletools.markobject


def check_program(file):
    """Follow a pickle's program with sizes in the place of objects.

    Args:
        file: the pickle, open at its start.

    Raises:
        pickle.UnpicklingError: it asks for memory that it does not fill, for an object that is
            far larger than the file says, or for what is not on its stack.
    """
    stack, memo = [], {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        _check(count < _MOST_STEPS, f"it takes more than {_MOST_STEPS} steps")
        if opcode.name in _PUT:
            index = len(memo) if opcode.name == "MEMOIZE" else int(argument or 0)
            _check(0 <= index <= count, f"it remembers an object as number {index}")
            memo[index] = _last(stack)
        elif opcode.name in _GET:
            _check(argument in memo, "it recalls what it never stored")
            stack.append(memo[argument])
        elif opcode.name == "DUP":
            stack.append(_last(stack))
        else:
            taken = _take(stack, opcode.stack_before)
            size = 1 + (sum(taken) if opcode.name in _HOLDERS else 0)
            _check(size <= _MOST_IN_TUPLE, f"it nests {size} objects in a tuple")
            stack += [_MARK if kind is _MARK else size for kind in opcode.stack_after]


def _take(stack, wanted):
    """Remove what an opcode takes from the stack; the sizes of it."""
    taken = []
    if _MARK in wanted:
        start = _mark(stack)
        taken = stack[start + 1 :]
        del stack[start:]
        wanted = wanted[: wanted.index(_MARK)]
    _check(len(stack) >= len(wanted), "it takes more than there is")
    start = len(stack) - len(wanted)
    taken += stack[start:]
    del stack[start:]
    return [size for size in taken if size is not _MARK]


def _mark(stack):
    for place in range(len(stack) - 1, -1, -1):
        if stack[place] is _MARK:
            return place
    raise pickle.UnpicklingError("it takes more than there is")


def _last(stack):
    _check(stack and stack[-1] is not _MARK, "it takes more than there is")
    return stack[-1]


def _check(condition, complaint):
    if not condition:
        raise pickle.UnpicklingError(complaint)

"""The steps of a pickle: what each does with the stack, and what it takes in memory."""

import pickle
import struct
from collections.abc import Callable
from typing import Any

from aa.weights.reading.room import Room
from aa.weights.reading.stack import LONGEST_NAME, PickleStack, RefusedPickle

# Bytes in memory.
ITEM, FIRST_ITEMS = 16, 64  # of a list, which makes room for some at once
ENTRY, FIRST_ENTRIES = 300, 240  # of a dict, with its places in the dicts that are made of it
CALL, CHANGE = 64, 200  # around what a function makes, and of its state
LONGEST_NUMBER = 8
LONG = 2**16  # longer texts are left in the file
KEYS = (str, int, float, bool, type(None))  # to hash any other could take for ever


class Function:
    """A function that a pickle may call."""

    __slots__ = ("call",)

    def __init__(self, call: Callable) -> None:
        self.call = call


class LongText:
    """A text that is still in the file: bytes, as pickles of protocol 2 store them."""

    __slots__ = ("data",)

    def __init__(self, data: memoryview) -> None:
        self.data = data


class Made:
    """The result of a `Function` that the pickle gives a state afterwards."""

    __slots__ = ()

    def set_state(self, state: Any) -> None:
        """Take the state, which may be anything."""
        raise NotImplementedError


class Steps(PickleStack):
    """The methods that opcodes stand for; each takes one argument, the same for every such opcode.

    Args:
        content: the bytes of a pickle; long texts and bytes are views of them.
        room: for its objects.
        find: function (module, name) -> what a name stands for; a `Function` may be called.
        stored: function (id) -> the object that lies elsewhere in the file under this id.
    """

    def __init__(
        self,
        content: memoryview,
        room: Room,
        find: Callable[[str, str], Any],
        stored: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(content, room)
        self.find, self.stored = find, stored

    def start_frame(self, _: None) -> None:
        self.enter_frame(self.number(8))

    def set_mark(self, _: None) -> None:
        self.mark()

    def constant(self, value: Any) -> None:
        self.add(value)

    def read_packed(self, form: struct.Struct) -> None:
        self.push(form.unpack(self.take(form.size))[0])

    def read_long(self, _: None) -> None:
        size = self.number(1)
        if size > LONGEST_NUMBER:
            raise pickle.UnpicklingError(
                f"a number of {size} bytes, at most {LONGEST_NUMBER} are read"
            )
        self.push(int.from_bytes(self.take(size), "little", signed=True))

    def read_text(self, width: int) -> None:
        data = self.take(self.number(width))
        self.push(LongText(data) if len(data) > LONG else str(data, "utf-8", "surrogatepass"))

    def read_bytes(self, width: int) -> None:
        data = self.take(self.number(width))
        self.push(data if len(data) > LONG else bytes(data))

    def make_tuple(self, count: int | None) -> None:
        self.push(tuple(self.pop_marked() if count is None else self.pop(count)))

    def empty(self, kind: type) -> None:
        self.push(kind())

    def append(self, _: None) -> None:
        (item,) = self.pop(1)
        self.spend(FIRST_ITEMS)
        self.last(list).append(item)

    def appends(self, _: None) -> None:
        items = self.pop_marked()
        self.spend(FIRST_ITEMS + ITEM * len(items))
        self.last(list).extend(items)

    def set_item(self, _: None) -> None:
        self.fill(self.pop(2))

    def set_items(self, _: None) -> None:
        self.fill(self.pop_marked())

    def fill(self, items: list[Any]) -> None:
        """Put keys and values, one after the other, into the dict below them."""
        found, keys, values = self.last(dict), items[::2], items[1::2]
        if len(keys) != len(values):
            raise pickle.UnpicklingError("a key has no value")
        self.spend(FIRST_ENTRIES + ENTRY * len(keys))
        for key, value in zip(keys, values, strict=True):
            _check_name(key)
            if type(key) not in KEYS:
                raise RefusedPickle(f"it asks for a {type(key).__name__} as a key")
            found[key] = value

    def put(self, width: int | None) -> None:
        self.remember(len(self.memo) if width is None else self.number(width))

    def get(self, width: int) -> None:
        self.recall(self.number(width))

    def named(self, _: None) -> None:
        self.add(self.find(self.line(), self.line()))

    def named_by_texts(self, _: None) -> None:
        names = self.pop(2)
        for name in names:
            _check_name(name)
            if type(name) is not str:
                raise RefusedPickle(f"it asks for a {type(name).__name__} as a name")
        self.add(self.find(*names))

    def load_stored(self, _: None) -> None:
        if self.stored is None:
            raise RefusedPickle("it asks for what is not in the file")
        self.add(self.stored(*self.pop(1)))

    def call(self, _: None) -> None:
        function, arguments = self.pop(2)
        if not isinstance(function, Function) or type(arguments) is not tuple:
            raise RefusedPickle(f"it asks to call a {type(function).__name__}")
        self.spend(CALL)
        self.push(function.call(*arguments))

    def build(self, _: None) -> None:
        (state,) = self.pop(1)
        made = self.last(object)
        if not isinstance(made, Made):
            raise RefusedPickle(f"it asks to change a {type(made).__name__.lower()}")
        self.spend(CHANGE)
        made.set_state(state)


def _check_name(name: Any) -> None:
    if isinstance(name, LongText) or (type(name) is str and len(name) > LONGEST_NAME):
        raise RefusedPickle(f"it asks for a name of more than {LONGEST_NAME} characters")

"""The state of a pickle's reader: the bytes one after the other, a stack, marks and a memo."""

import pickle
import sys
from typing import Any

from aa.weights.reading.room import Room

LONGEST_NAME = 1000  # characters of a key, or of what is requested by name
PLACE, MARK = 16, 40  # bytes in memory, on the stack or in the memo


class RefusedPickle(pickle.UnpicklingError):
    """The file requests something that is not a tensor."""


class PickleStack:
    """The bytes of a pickle and the objects made so far.

    Args:
        content: the bytes.
        room: for the objects.
    """

    def __init__(self, content: memoryview, room: Room) -> None:
        self.content, self.spend = content, room.take
        self.at, self.end = 0, len(content)  # end: of the frame, or of the file
        self.framed = False
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: list[Any] = []

    def code(self) -> int:
        """The next step's byte."""
        if self.at == self.end:
            if not self.framed:
                raise pickle.UnpicklingError("it ends before it is complete")
            self.framed, self.end = False, len(self.content)
            return self.code()
        self.at += 1
        return self.content[self.at - 1]

    def take(self, count: int) -> memoryview:
        """The next bytes. No part of a step crosses the end of a frame."""
        start, end = self.at, self.at + count
        if end > self.end:
            whole = "a frame of it" if self.framed else "it"
            raise pickle.UnpicklingError(f"{whole} ends in the middle of a step")
        self.at = end
        return self.content[start:end]

    def number(self, size: int) -> int:
        """The next bytes as a length or an index."""
        found = self.take(size)
        return found[0] if size == 1 else int.from_bytes(found, "little")

    def line(self) -> str:
        """The next bytes up to the end of a line."""
        for most in (64, LONGEST_NAME + 1):  # nearly all are short
            end = min(self.end, self.at + most)
            length = bytes(self.content[self.at : end]).find(b"\n")
            if length >= 0:
                return str(self.take(length + 1)[:-1], "utf-8")
        raise RefusedPickle(f"it asks for a name of more than {LONGEST_NAME} bytes")

    def enter_frame(self, size: int) -> None:
        """Begin a frame of so many bytes, which steps fill exactly."""
        if self.framed or self.at + size > self.end:
            raise pickle.UnpicklingError("its frames do not fit")
        self.framed, self.end = True, self.at + size

    def add(self, value: Any) -> None:
        """Push an object that is there already."""
        self.spend(PLACE)
        self.stack.append(value)

    def push(self, value: Any) -> None:
        """Push a new object."""
        self.spend(PLACE + sys.getsizeof(value))
        self.stack.append(value)

    def mark(self) -> None:
        """Remember where the stack ends."""
        self.spend(MARK)
        self.marks.append(len(self.stack))

    def pop(self, count: int) -> list[Any]:
        """Remove what the last steps have made, since the last mark."""
        start = len(self.stack) - count
        if start < (self.marks[-1] if self.marks else 0):
            raise pickle.UnpicklingError("it takes more than there is")
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def pop_marked(self) -> list[Any]:
        """Remove the last mark, and all that has been made since."""
        if not self.marks:
            raise pickle.UnpicklingError("it takes more than there is")
        taken = self.pop(len(self.stack) - self.marks[-1])
        self.marks.pop()
        return taken

    def last(self, kind: type) -> Any:
        """The last object, which stays; it is filled or changed."""
        if len(self.stack) == (self.marks[-1] if self.marks else 0):
            raise pickle.UnpicklingError("it takes more than there is")
        found = self.stack[-1]
        if not isinstance(found, kind):
            raise pickle.UnpicklingError(f"it fills a {type(found).__name__}")
        return found

    def remember(self, index: int) -> None:
        """Put the last object into the memo."""
        if index > self.at:  # a pickle numbers its objects as they come
            raise pickle.UnpicklingError(f"it remembers an object as number {index}")
        missing = index + 1 - len(self.memo)
        if missing > 0:
            self.spend(PLACE * missing)
            self.memo += [_Nothing] * missing
        self.memo[index] = self.last(object)

    def recall(self, index: int) -> None:
        """Push what the memo has under a number."""
        if index >= len(self.memo) or self.memo[index] is _Nothing:
            raise pickle.UnpicklingError("it recalls what it never stored")
        self.add(self.memo[index])

    def result(self) -> Any:
        """The one object that a whole pickle leaves."""
        if len(self.stack) != 1 or self.marks:
            raise pickle.UnpicklingError("it does not end with one object")
        return self.stack[0]


class _Nothing:
    """Stands in the memo where nothing has been remembered."""

"""The error a user can fix. It carries one line; runners print it and exit with code 2."""

from collections.abc import Iterable

from aa.plain import printable

LONGEST = 2000  # characters of a message
NAMED = 5  # offenders that a message names


class UserError(ValueError):
    """Something outside the program is wrong: a key, a file, a folder, a machine.

    The message is one line that says what was found, what was expected and what to do.
    """


class DifferenceError(UserError):
    """A rerun came to another result. Its exit code tells scripts apart from mistakes."""

    code = 1


class ClipError(UserError):
    """One clip of a data set (a video and its pose video) cannot be used. The message names it."""


def reason(error: BaseException) -> str:
    """Return what a library says of a file it cannot read, or our words if it names only itself."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    return str(error).strip() or type(error).__name__


def some(items: Iterable[object]) -> str:
    """The first few of a list, and how many more there are: "a; b; c; d; e and 3 more"."""
    items = [str(item) for item in items]
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return "; ".join(items[:NAMED]) + more


def one_line(text: object) -> str:
    """A message as one line of printable characters; of a very long one, start and end.

    Names found in files are anybody's: they could drive a terminal or fill its pages. What is cut
    is cut first: each of its characters would take many in the line, and time.
    """
    text, half = str(text), LONGEST // 2
    if len(text) > 2 * LONGEST:
        text = f"{text[:LONGEST]} ... {text[-LONGEST:]}"
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[:half]} ... {line[-half:]}"


class StorageError(UserError):
    """A result cannot be written: the disk is full, or the folder is not for us."""


class GroupError(RuntimeError):
    """A group of processes did not end well. `code` is the exit code to pass on."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Signalled(KeyboardInterrupt):
    """A signal asks this command to end. `code` is the exit code."""

    def __init__(self, number: int | None = None) -> None:
        super().__init__()
        self.code = 128 + (number or 2)  # as shells say it; 2 is SIGINT


class Interrupted(Signalled):
    """A signal stopped training after a step that has been saved, or jobs that saved theirs."""


def interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """Find the interruption that an error came of, or None: libraries raise their own of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error

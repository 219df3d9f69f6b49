"""One writer for a run folder."""

import fcntl
import json
import logging
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from aa.errors import UserError, one_line
from aa.files import NoPlainFileError, unlinked
from aa.processes import is_main_process, is_rank
from aa.runs.kinds import Holder
from aa.runs.reading import typed_record

log = logging.getLogger(__name__)

COMMAND, WRITER = ".command.lock", ".writer.lock"
FLOCK = "hhqqi4x"  # struct flock of Linux: type, whence, start, length, process
LONGEST = 10_000  # characters of what is read of one
MOMENT, LOOK_EVERY = 1.0, 0.05  # seconds: that nobody is told of, between looks at a lock


@contextmanager
def held(folder: str | Path, *, node_rank: int = 0) -> Iterator[None]:
    """Hold the run folder as the only writer; the system lets go however this process ends.

    A command holds COMMAND, the first process of the group it may start holds WRITER: should that
    live on without its command, a new command is refused all the same.

    Args:
        folder: the run folder.
        node_rank: of several hosts; the command of the first one is the writer.

    Raises:
        UserError: another process holds it; the message says which.
    """
    if not is_main_process(node_rank):
        yield
    elif is_rank():
        with _single(folder, WRITER):
            yield
    else:
        with _single(folder, COMMAND):
            _check(folder, WRITER)
            yield


def check_free(folder: str | Path) -> None:
    """Refuse a folder that is being written, before anything is written into it.

    Raises:
        UserError: another process holds it; the message says which.
    """
    for name in (COMMAND, WRITER):
        _check(folder, name)


def is_held(folder: str | Path) -> bool:
    """Return whether another process writes the folder; only asks, to be in nobody's way.

    Not for a folder that this process holds: the system lets go of it when the question is closed.
    """
    return any(_is_locked(Path(folder) / name) for name in (COMMAND, WRITER))


def holder(folder: str | Path) -> int | None:
    """The number of the process on this host whose command writes a folder; None if none does.

    The system reports it: what a file says of it could be any process.
    """
    return holder_of(Path(folder) / COMMAND)


def holder_of(path: str | Path) -> int | None:
    """The number of the process on this host that holds a file; None if none does.

    Not for a file that this process holds, see `is_held`.
    """
    kind, *_, process = _lock_of(Path(path))
    return process if kind != fcntl.F_UNLCK and process > 0 else None


def _is_locked(path: Path) -> bool:
    return _lock_of(path)[0] != fcntl.F_UNLCK


def _lock_of(path: Path) -> tuple[int, ...]:
    """The lock of a file as the system reports it: type, whence, start, length, process."""
    asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with open(path, "rb", opener=unlinked) as file:
            return struct.unpack(FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except (OSError, NoPlainFileError):
        return fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0


def who_holds(folder: str | Path, names: Iterable[str] = (COMMAND, WRITER)) -> str | None:
    """The process that holds a folder, in words; None where no other one does, see `is_held`."""
    held_files = (path for name in names if _is_locked(path := Path(folder) / name))
    return next((_who(_text(path)) for path in held_files), None)


@contextmanager
def held_briefly(
    path: Path, *, say: Callable[[str], object], pause: Callable[[float], object] = time.sleep
) -> Iterator[None]:
    """Wait for a file that is only there to be held, and hold it; made if it is not there.

    Args:
        path: the file.
        say, pause: see `wait_until_free`.
    """
    with _open(path.parent, path.name) as file:
        wait_until_free(lambda: None if _take(file) else _who(_text(path)), say=say, pause=pause)
        _sign(file)
        yield


def wait_until_free(
    who: Callable[[], str | None],
    *,
    say: Callable[[str], object],
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Wait for another process; if it takes longer than a moment, say for which one.

    Args:
        who: returns which it is, None when there is none any more.
        say: called with a line when it is waited for, and when that is over.
        pause: called with seconds; what it raises ends the waiting.
    """
    begun, said = time.monotonic(), None
    while (found := who()) is not None:
        if found != said and time.monotonic() - begun > MOMENT:
            said = found
            say(f"is being written by {found}; waiting for it")
        pause(LOOK_EVERY)
    if said:
        say("is free; it goes on")


@contextmanager
def _single(folder: str | Path, name: str) -> Iterator[None]:
    file = _open(folder, name)
    if not _take(file):
        raise _busy(folder, file)
    with file:
        _sign(file)
        yield


def _sign(file: TextIO) -> None:
    """Leave in a file that this process holds who that is."""
    file.truncate(0)
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
    file.write(json.dumps(holder))
    file.flush()
    os.fsync(file.fileno())  # other hosts read it


def _check(folder: str | Path, name: str) -> None:
    if os.path.lexists(Path(folder) / name):
        with _open(folder, name) as file:
            if not _take(file):
                raise _busy(folder, file)


def _open(folder: str | Path, name: str) -> TextIO:
    path = Path(folder) / name
    file = open(path, "a+", opener=unlinked)  # noqa: SIM115 closed by who holds it
    file.seek(0)
    return file


def _take(file: TextIO) -> bool:
    try:
        fcntl.lockf(
            file, fcntl.LOCK_EX | fcntl.LOCK_NB
        )  # processes that read clips do not inherit it
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        log.warning("%s cannot be locked (%s): see that one run alone uses it", file.name, error)
    return True


def _busy(folder: str | Path, file: TextIO) -> UserError:
    who = _who(file.read(LONGEST))
    file.close()
    return UserError(
        f"{folder}: is being written by {who}; wait for it or stop it, or choose another "
        "hydra.run.dir=<folder>."
    )


def _who(text: str) -> str:
    """The process that has left a text in the file that it holds, in words."""
    try:
        holder = typed_record(json.loads(text), Holder)
    except (ValueError, RecursionError):
        return "another process"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder["since"]))
    return f"process {holder['pid']} on {one_line(holder['host'])}, since {since}"


def _text(path: Path) -> str:
    """The text of a file. Not for one that this process holds, see `is_held`."""
    try:
        with open(path, encoding="utf-8", errors="replace", opener=unlinked) as file:
            return file.read(LONGEST)
    except (OSError, NoPlainFileError):
        return ""

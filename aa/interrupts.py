"""SIGINT and SIGTERM at any moment of a command: one word, and the exit code that shells know.

Either a thread waits for the signals, which all others block: it ends the process at once, whatever
that is in the middle of. So it is from the first line of a runner on, which imports this before
anything else. Or, within `unwinding`, they raise. Threads that libraries start meanwhile inherit
the block: else a signal could find one of theirs, and a handler that paddle has installed.
"""

import enum
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from aa.errors import Signalled

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 30.0  # seconds; Slurm's KillWait and Kubernetes' grace period are the same


class Wish(enum.Enum):
    """The request of a signal: to stop, nothing that the one before it did not, to stop at once."""

    STOP, ECHO, AT_ONCE = "stop", "echo", "at once"


class Wishes:
    """The signals that have asked this process to stop.

    A scheduler tells all processes of a job to end, and the one above tells the one below: the same
    wish comes twice. So a second SIGTERM counts `GRACE` after the first; a second Ctrl-C always.

    Attributes:
        came: their numbers.
        of_main: they are the main thread's now, within `unwinding`; else those of `listen`'s.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self.of_main = False
        self._since = 0.0

    def hear(self, number: int) -> Wish:
        """Take note of a signal."""
        self.came.append(number)
        if len(self.came) == 1:
            self._since = time.monotonic()
            return Wish.STOP
        waited = time.monotonic() - self._since >= GRACE
        again = number == signal.SIGINT and self.came.count(number) > 1
        return Wish.AT_ONCE if again or waited else Wish.ECHO

    def forget(self) -> None:
        """Forget them: another command begins in this process."""
        self.came, self._since = [], 0.0


wishes = Wishes()  # one for the process, as its handlers are: they take turns, an echo comes to any


def listen() -> None:
    """Let signals end this process at once from now on, in one word; SIGUSR2 is nothing to it.

    Schedulers warn with SIGUSR2, some of them every process of a job, and unheard it kills.
    """
    if signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    heard = _heard()
    if heard:
        signal.pthread_sigmask(signal.SIG_BLOCK, heard)
        threading.Thread(target=_end_at, args=(heard,), daemon=True).start()


@contextmanager
def unwinding() -> Iterator[list[int]]:
    """Let a signal raise while this lasts, so that what was opened is put away.

    A second wish ends at once, see `Wishes`. While a module is being imported nothing is open, and
    libraries swallow what is raised there: then the first one ends as well.

    Yields:
        the list of the signals that came: libraries may make an error of theirs of one.

    Raises:
        Signalled: a signal came.
    """
    process = os.getpid()
    wishes.forget()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(128 + number)  # forked from this one, which speaks for it
        wish = wishes.hear(number)
        if wish is Wish.AT_ONCE or (wish is Wish.STOP and _imports(frame)):
            end(number)
        if wish is Wish.STOP:
            raise Signalled(number)

    heard = _heard()
    before = {number: signal.signal(number, stop) for number in heard}
    wishes.of_main = True
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)
    try:
        yield wishes.came
    finally:
        wishes.of_main = False
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _install(before)


@contextmanager
def handling(
    numbers: Iterable[int], handler: Callable[[int, FrameType | None], Any] | signal.Handlers
) -> Iterator[None]:
    """Context in which the signals of these that are not ignored go to a handler.

    Signals are the main thread's: in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _heard(numbers)}
    try:
        yield
    finally:
        _install(before)


@contextmanager
def importing() -> Iterator[None]:
    """Leave signals to the thread of `listen` while this lasts; then handlers are as they were.

    Paddle installs one of its own for SIGTERM when it is imported, and its libraries remove it.
    """
    before = {number: signal.getsignal(number) for number in _heard()}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, before)
    of_main, wishes.of_main = wishes.of_main, False
    try:
        yield
    finally:
        _install(before)
        wishes.of_main = of_main
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def end(number: int) -> None:
    """End this process without unwinding anything, as one that a signal stopped."""
    with suppress(Exception):  # it may have come amid a print
        sys.stdout.flush()
    os.write(2, b"interrupted\n")  # wherever sys.stderr leads
    os._exit(128 + number)


def _end_at(heard: list[int]) -> None:
    """In a thread: end this process at a signal, unless it is only the echo of one that came.

    One that is the main thread's may come here too: after a SIGSTOP the system wakes all threads,
    and who is first takes what waits for the process.
    """
    main = threading.main_thread().ident
    while True:
        number = signal.sigwait(heard)
        if wishes.of_main and main:
            signal.pthread_kill(main, number)
        elif wishes.hear(number) is not Wish.ECHO:
            end(number)


def _heard(numbers: Iterable[int] = SIGNALS) -> list[int]:
    """The signals that are not ignored: `nohup` and a shell's & ask for that."""
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]


def _install(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _imports(frame: FrameType | None) -> bool:
    """Return whether a module is being imported where a signal came."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False

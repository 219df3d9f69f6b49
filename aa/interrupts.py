"""SIGINT and SIGTERM at any moment of a command: one word, and the exit code that shells know.

Either a thread waits for the signals, which all others block: it ends the process at once, whatever
that is in the middle of. So it is from the first line of a runner on, which imports this before
anything else. Or, within `unwinding`, they raise. Threads that libraries start meanwhile inherit
the block: else a signal could find one of theirs, and a handler that paddle has installed.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from aa.errors import Signalled

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen() -> None:
    """From now on a signal ends this process at once, in one word."""
    heard = _heard()
    if heard:
        signal.pthread_sigmask(signal.SIG_BLOCK, heard)
        threading.Thread(target=lambda: end(signal.sigwait(heard)), daemon=True).start()


@contextmanager
def unwinding() -> Iterator[list[int]]:
    """While this lasts a signal raises, so that what was opened is put away; a second one ends.

    While a module is being imported nothing is open, and libraries swallow what is raised there:
    then the first one ends as well.

    Yields:
        the list of the signals that came: libraries may make an error of theirs of one.

    Raises:
        Signalled: a signal came.
    """
    process, came = os.getpid(), []

    def stop(number, frame):
        if os.getpid() != process:
            os._exit(128 + number)  # forked from this one, which speaks for it
        for one in _heard():
            signal.signal(one, lambda number, frame: end(number))
        if _imports(frame):
            end(number)
        came.append(number)
        raise Signalled(number)

    heard = _heard()
    before = {number: signal.signal(number, stop) for number in heard}
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)
    try:
        yield came
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _install(before)


@contextmanager
def handling(numbers: Iterable[int], handler: Callable | signal.Handlers) -> Iterator[None]:
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
    """While this lasts signals are for the thread of `listen`; then handlers are as they were.

    Paddle installs one of its own for SIGTERM when it is imported, and its libraries remove it.
    """
    before = {number: signal.getsignal(number) for number in _heard()}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, before)
    try:
        yield
    finally:
        _install(before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def end(number: int) -> None:
    """End this process without unwinding anything, as one that a signal stopped."""
    with suppress(Exception):  # it may have come amid a print
        sys.stdout.flush()
    os.write(2, b"interrupted\n")  # wherever sys.stderr leads
    os._exit(128 + number)


def _heard(numbers=SIGNALS):
    """The signals that are not ignored: `nohup` and a shell's & ask for that."""
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]


def _install(handlers):
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _imports(frame):
    """Whether a module is being imported where a signal came."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False

"""Signals while videos are made: stop at once, leave nothing half-done. Imports no paddle."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aa.errors import Interrupted
from aa.launch import FORWARDED


@contextmanager
def interruptible(tidy: Callable[[], None], came: list[int]) -> Iterator[None]:
    """Context in which SIGTERM, as Ctrl-C does, raises `Interrupted`.

    Args:
        tidy: called at the end, whatever it is; no signal disturbs it.
        came: list to which the signals that come are added.
    """

    def stop(number, frame):
        came.append(number)
        raise Interrupted(number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # signals are the main thread's
        heard = [number for number in FORWARDED if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        try:
            tidy()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

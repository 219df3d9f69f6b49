"""Signals while videos are made: stop at once, leave nothing half-done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aa.errors import Interrupted
from aa.interrupts import Wish, handling, wishes
from aa.processes import FORWARDED


@contextmanager
def interruptible(tidy: Callable[[], None], came: list[int]) -> Iterator[None]:
    """Context in which SIGTERM, as Ctrl-C does, raises `Interrupted`; an echo of one does nothing.

    Args:
        tidy: called at the end, whatever it is; no signal disturbs it.
        came: list to which the signals that come are added.
    """

    def stop(number, frame):
        if wishes.hear(number) is not Wish.ECHO:
            came.append(number)
            raise Interrupted(number)

    with handling(FORWARDED, stop):
        try:
            yield
        finally:
            with handling(FORWARDED, signal.SIG_IGN):
                tidy()

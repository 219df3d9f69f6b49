"""Signals while training: finish the step, save, stop."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from aa.errors import Signalled
from aa.interrupts import SIGNALS, Wish, end, handling, wishes


class Stopper:
    """Context in which SIGINT and SIGTERM ask training to stop after its step.

    A second wish stops it at once, see `Wishes`.

    Attributes:
        signal: number of the first one, or None.
        at_once: whether a second wish came.
    """

    def __init__(self) -> None:
        self.signal, self.at_once, self.process = None, False, os.getpid()
        self._breaks = False
        self.handling = handling(SIGNALS, self._ask)

    def __enter__(self) -> "Stopper":
        self.handling.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.handling.__exit__(*error)

    def request(self) -> None:
        """Ask training to stop after its step, as a first SIGTERM does."""
        if self.signal is None:
            self.signal = signal.SIGTERM

    def breaks_off(self, work: Callable[[], None]) -> bool:
        """Do some work that nothing depends on, unless a signal has come; one breaks it off.

        Returns:
            whether one has come, so that it is not done.
        """
        self._breaks = True
        try:
            if self.signal is None:
                work()
                return False
        except BaseException:
            if self.signal is None or self.at_once:
                raise
        finally:
            self._breaks = False
        return True

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process:
            return  # a process that reads clips; it ends with the one that trains
        wish = wishes.hear(number)
        if wish is Wish.STOP:
            self.signal = number
            again = " (Ctrl-C again: at once)" if number == signal.SIGINT else ""
            print(f"\nstopping: this step ends and is saved{again}", file=sys.stderr)
            if self._breaks:
                raise Signalled(number)
        elif wish is Wish.AT_ONCE:
            if self.at_once:
                end(number)  # what was raised has been swallowed
            self.at_once = True
            raise Signalled(number)

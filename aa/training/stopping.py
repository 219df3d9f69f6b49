"""Signals while training: finish the step, save, stop."""

import os
import sys

from aa.interrupts import SIGNALS, handling


class Stopper:
    """Context in which SIGINT and SIGTERM ask training to stop after its step.

    A second signal stops it at once. `signal` is the number of the first one, or None.
    """

    def __init__(self):
        self.signal, self.process = None, os.getpid()
        self.handling = handling(SIGNALS, self._ask)

    def __enter__(self):
        self.handling.__enter__()
        return self

    def __exit__(self, *error):
        self.handling.__exit__(*error)

    def _ask(self, number, frame):
        if os.getpid() != self.process:
            return  # a process that reads clips; it ends with the one that trains
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        print("\nstopping: this step ends and is saved; again to stop at once", file=sys.stderr)

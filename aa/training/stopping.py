"""Signals while training: finish the step, save, stop."""

import os
import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopper:
    """Context in which SIGINT and SIGTERM ask training to stop after its step.

    A second signal stops it at once. `signal` is the number of the first one, or None.
    """

    def __init__(self):
        self.signal, self.process, self.before = None, os.getpid(), {}

    def __enter__(self):
        heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        self.before = {number: signal.signal(number, self._ask) for number in heard}
        return self

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        if os.getpid() != self.process:
            return  # a process that reads clips; it ends with the one that trains
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        print("\nstopping: this step ends and is saved; again to stop at once", file=sys.stderr)

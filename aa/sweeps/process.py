"""A process whose output is kept, shown if requested, and stopped with this one."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from aa.errors import Interrupted
from aa.files import unlinked
from aa.interrupts import Wish, end, handling, wishes
from aa.processes import FORWARDED, WARNING, Shown, start

LOOK_EVERY = 0.1  # seconds, at what a process prints


class Stopper:
    """Context in which signals to this process stop the one that it runs.

    That is asked once, by SIGTERM, at the first signal, however many come: what it has done is
    saved. A scheduler says the same thing several times over, warns first, and has the last word.

    Args:
        alone: the process is the only one: signals of the terminal are for it too, and a second
            wish ends it, see `Wishes`. Else only SIGTERM is, and the warning of a scheduler: the
            terminal speaks to the command that started all.
    """

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self.child: subprocess.Popen | None = None
        self._handlers = ExitStack()

    def __enter__(self) -> "Stopper":
        heard = FORWARDED if self.alone else (signal.SIGTERM,)
        self._handlers.enter_context(handling((*heard, WARNING), self._hear))
        return self

    def __exit__(self, *error: object) -> None:
        self._handlers.close()

    @property
    def stopped(self) -> bool:
        """Return whether a signal has asked to stop."""
        return bool(wishes.came)

    def check(self) -> None:
        """Come back if no signal has asked to stop.

        Raises:
            Interrupted: one has.
        """
        if self.stopped:
            first = wishes.came[0]
            raise Interrupted(signal.SIGTERM if first == WARNING else first)

    def pause(self, seconds: float) -> None:
        """Wait, unless to be stopped; see `check`."""
        self.check()
        time.sleep(seconds)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        wish, child = wishes.hear(number), self.child
        if wish is Wish.STOP and child:
            child.send_signal(signal.SIGTERM)
        elif wish is Wish.AT_ONCE and self.alone:
            if child:
                child.kill()
            else:
                end(number)


def run_process(
    command: Sequence[str | Path],
    output: Path,
    environment: Mapping[str, str],
    *,
    stopper: Stopper,
) -> int:
    """Run a command to its end, which a signal to this process may bring, see `Stopper`.

    If this process is killed, the other one is asked to stop too; it writes into the file itself,
    so that it can still say so.

    Args:
        command: the words.
        output: path of the file that all it prints is added to.
        environment: of the process.
        stopper: entered; of one that is alone, what the process prints is shown as well.

    Returns:
        its exit code, negative for a signal.
    """
    with open(output, "ab", opener=unlinked) as file:
        before, child = file.tell(), start(command, environment, file)
    with Shown(output, wanted=stopper.alone, start=before) as shown:
        try:
            stopper.child = child
            if stopper.stopped:  # meanwhile; twice is no second wish
                child.terminate()
            while not _has_ended(child):
                shown.show()
            shown.show()
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
            stopper.child = None
    return child.returncode


def _has_ended(child: subprocess.Popen) -> bool:
    try:
        child.wait(LOOK_EVERY)
    except subprocess.TimeoutExpired:
        return False
    return True

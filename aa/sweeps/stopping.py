"""A signal to a sweep whose jobs run beside each other on this host."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from aa.errors import Interrupted
from aa.interrupts import Wish, handling, wishes
from aa.processes import FORWARDED
from aa.runs.lock import holder, is_held
from aa.sweeps.ray_jobs import RAY
from aa.sweeps.sweep import Sweep

BESIDE = ("JoblibLauncher", RAY)  # which would kill their jobs; those of a queue live on
LOOK_EVERY = 0.2  # seconds, at jobs that are saving


@contextmanager
def stopping(sweep: Sweep) -> Iterator[None]:
    """Let the jobs of a `Sweep` save their steps when a signal comes; a second wish ends them.

    Raises:
        Interrupted: they have ended.
    """

    asked = []

    def stop(number: int, frame: FrameType | None) -> None:
        wish = wishes.hear(number)
        if wish is Wish.AT_ONCE:
            for folder in filter(is_held, sweep.asked().values()):
                _signal(folder, signal.SIGKILL)
        if wish is not Wish.STOP:
            return
        asked.append(number)
        sweep.stop()
        running = [folder for folder in sweep.asked().values() if is_held(folder)]
        print(f"stopping: {len(running)} jobs finish their step and save", flush=True)
        for folder in running:
            _signal(folder, signal.SIGTERM)
        while any(map(is_held, running)):
            time.sleep(LOOK_EVERY)
        raise Interrupted(number)

    if sweep.launcher not in BESIDE:
        yield
        return
    with handling(FORWARDED, stop):
        try:
            yield
        except KeyboardInterrupt as error:  # Ray makes a plain one of any
            raise (Interrupted(asked[0]) if asked else error) from None


def _signal(folder: Path, number: int) -> None:
    """Send a signal to the process that writes a folder, if one does."""
    process = holder(folder)
    if process is not None:
        with suppress(OSError):  # it has ended
            os.kill(process, number)

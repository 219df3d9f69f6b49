"""How far a run has come, for whoever looks at its folder: `progress.json`."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from aa.errors import UserError
from aa.files import write_json
from aa.runs.kinds import Count, Name
from aa.runs.reading import find_record

PROGRESS, PREVIEW = "progress.json", "preview.webp"
EVERY = 0.5  # seconds at least between two records of one phase


class Progress(TypedDict, total=False):
    """`progress.json`: of which case, in which phase, how many parts of it are done.

    `started` is when the phase began and `updated` when this was written, in seconds since 1970.
    """

    case: Name
    number: Count
    cases: Count
    phase: Name
    done: Count
    total: Count
    started: float
    updated: float


def read_progress(folder: str | Path) -> Progress | None:
    """The progress of a run; None where there is none, or it is damaged."""
    with suppress(UserError, OSError):
        return find_record(folder, PROGRESS, Progress)
    return None


def seconds_left(progress: Progress) -> float | None:
    """Seconds that the phase will take on at its speed; None before that can be said."""
    done, total = progress.get("done", 0), progress.get("total", 0)
    took = progress.get("updated", 0.0) - progress.get("started", 0.0)
    if not done or took <= 0:
        return None
    return max(0.0, took / done * (total - done))


class ProgressWriter:
    """Keeps `progress.json` of a run folder; that it cannot be written fails no run.

    Args:
        folder: the run folder.
        clock: seconds since 1970.
    """

    def __init__(self, folder: str | Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = Path(folder) / PROGRESS, clock
        self.now: Progress = {}

    def begin(self, phase: str, total: int, **about: int | str) -> None:
        """Begin a phase of so many parts.

        Args:
            about: the case, as `Progress` has it; that of the phase before by default.
        """
        at = self.clock()
        self.now = {**self.now, **about, "phase": phase, "done": 0, "total": total}  # pyright: ignore
        self.now |= {"started": at, "updated": at}
        self._write()

    def done(self, count: int) -> None:
        """Say how many parts of the phase are done."""
        at = self.clock()
        last = count >= self.now.get("total", 0)
        self.now["done"] = count
        if last or at - self.now.get("updated", 0.0) >= EVERY:
            self.now["updated"] = at
            self._write()

    def _write(self) -> None:
        with suppress(OSError):
            write_json(self.path, self.now)

"""Time limits of a queue: whether one has ended a job, and one that never gets on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from aa.files import read_inside
from aa.runs.kinds import Job
from aa.runs.layout import CASES, JOB, STAGES, list_checkpoints
from aa.runs.outcomes import write_outcome
from aa.runs.reading import MOST_BYTES, read_record
from aa.sweeps.sweep import Sweep

# Slurm may warn this much earlier than requested, and a process begins after its job: seconds.
EARLY, LATE = 60, 30
EVER = 1_000_000  # times that a job may come to its time limit


@dataclass(frozen=True)
class TimeLimit:
    """Time that `hydra.launcher` gives a job.

    Attributes:
        minutes: that it may take each time; 0: as many as it likes.
        most: how often it is queued again after so many.
        warned: seconds before the end of them that it is warned.
    """

    minutes: int = 0
    most: int = 0
    warned: int = 0

    @classmethod
    def of(cls, launcher: Mapping[str, Any]) -> "TimeLimit":
        """The one in the config of a launcher."""
        minutes, most = launcher.get("timeout_min") or 0, launcher.get("max_num_timeout", EVER)
        return cls(minutes, most, launcher.get("signal_delay_s", 0))

    def has_come(self) -> bool:
        """Return whether this process has had its time, so that a warning was not for priority."""
        ran = time.time() - psutil.Process().create_time()
        return bool(self.minutes) and ran >= 60 * self.minutes - self.warned - EARLY - LATE

    def note(self, sweep: Sweep, folder: Path) -> None:
        """Take note of how far a job came until the limit, whose process has ended.

        It has failed if it came no further than the last time, or had all its times: else it would
        be queued again for ever. The job may note it when it is warned, and the command that waits
        for it once more, for the queue ended it all the same: that is one time.
        """
        record, now = read_record(folder, JOB, Job), [_progress(folder), self.minutes]
        if record.get("counted"):
            return
        before, times = record.get("limit"), record.get("limits", 0)
        sweep.note(folder.name, limit=now, limits=times + 1, counted=True)
        more = f"give it more: hydra.launcher.timeout_min={2 * self.minutes}."
        if before == now:
            error = f"saved no new step between two time limits of {self.minutes} minutes; {more}"
        elif times >= self.most:
            error = (
                f"was not done after {times + 1} times {self.minutes} minutes, and "
                f"hydra.launcher.max_num_timeout={self.most}; {more}"
            )
        else:
            return
        write_outcome(folder, error=error, code=1, seconds=60.0 * self.minutes)


def _progress(folder: Path) -> list[Any]:
    """Point that a run would resume from: its last checkpoints, how many videos are made."""
    parts = [folder, *(folder / stage for stage in STAGES)]
    steps = [checkpoint.name for part in parts for checkpoint in list_checkpoints(part)[-1:]]
    try:
        made = read_inside(folder, CASES, most=MOST_BYTES).count(b"\n")
    except FileNotFoundError:
        made = 0
    return [*steps, made]

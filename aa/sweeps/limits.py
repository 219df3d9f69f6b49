"""Time limits of a queue: whether one has ended a job, and one that never gets on. No paddle."""

import time
from pathlib import Path

import psutil
from omegaconf import DictConfig

from aa.outcomes import write_outcome
from aa.runs import CASES, STAGES, read_json
from aa.sweeps.sweep import JOB, Sweep
from aa.weights.folders import list_checkpoints

# Slurm may warn this much earlier than asked for, and a process begins after its job: seconds.
EARLY, LATE = 60, 30


def was_time_limit(launcher: DictConfig) -> bool:
    """Whether this process has had its time, so that a warning was not for priority.

    Args:
        launcher: the config of Hydra's launcher.
    """
    minutes = launcher.get("timeout_min")
    if not minutes:
        return False
    ran = time.time() - psutil.Process().create_time()
    return ran >= 60 * minutes - launcher.get("signal_delay_s", 0) - EARLY - LATE


def end_without_progress(sweep: Sweep, folder: Path, minutes: int) -> None:
    """Take note of how far a job came until a time limit; the second time at one place it failed.

    Else it would be queued again for ever.

    Args:
        sweep: of the job.
        folder: of the job, whose process has ended.
        minutes: that it may take.
    """
    before, now = read_json(folder / JOB).get("limit"), [_progress(folder), minutes]
    if before != now:
        sweep.note(folder.name, limit=now)
        return
    error = (
        f"saved no new step between two time limits of {minutes} minutes; give it more: "
        f"hydra.launcher.timeout_min={2 * minutes}."
    )
    write_outcome(folder, error=error, code=1, seconds=60.0 * minutes)


def _progress(folder):
    """What a run would go on from: its last checkpoints, how many videos are made."""
    parts = [folder, *(folder / stage for stage in STAGES)]
    steps = [checkpoint.name for part in parts for checkpoint in list_checkpoints(part)[-1:]]
    cases = folder / CASES
    return [*steps, cases.read_bytes().count(b"\n") if cases.is_file() else 0]

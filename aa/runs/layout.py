"""The names in a run folder."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

STAGES = ("stage1", "stage2")  # folders of a run of both stages
SNAPSHOT, OUTCOME, SUMMARY = "snapshot.json", "outcome.json", "summary.json"
SNAPSHOTS = (SNAPSHOT, f"{STAGES[0]}/{SNAPSHOT}")  # the first there is
METRICS = "metrics.jsonl"
SCORES = ("scores.json", "metrics.json")  # of a test on held-out figures, of a measurement
PLAN = "plan.json"  # in a stage's folder: what was counted of it before it started
CASES = "cases.jsonl"  # of an animation: a line for each video as soon as it is done
TRACKERS, VISUALDL = "trackers.json", "vdl"  # what trackers call the run; records of VisualDL
NOTES = "notes.json"  # what people have to say of a run
HYDRA = ".hydra"
SWEEP, JOB = "sweep.json", "job.json"  # of a sweep, and of each of its jobs
CHECKPOINTS, BEST = "checkpoints", "best"  # BEST: a link to the one that validated best


def stage_folders(folder: str | Path, *, several: bool) -> list[Path]:
    """The folders of the stages of a run, in order: the run's own, or one for each of several."""
    return [Path(folder) / name for name in STAGES] if several else [Path(folder)]


def first_snapshot(read: Callable[[str], Found | None]) -> Found | None:
    """The snapshot of a run, of its first stage if it has two.

    Args:
        read: returns what is in a file of the run folder, None where it is not there.
    """
    found = (read(name) for name in SNAPSHOTS)
    return next((snapshot for snapshot in found if snapshot is not None), None)


def checkpoint_step(path: Path) -> int | None:
    """Step of a complete checkpoint folder `step-000500`, None for any other name."""
    match = re.fullmatch(r"step-(\d+)", path.name)
    return int(match[1]) if match else None


def list_checkpoints(run: str | Path) -> list[Path]:
    """Checkpoint folders of a run, oldest first."""
    steps = {p: checkpoint_step(p) for p in (Path(run) / CHECKPOINTS).glob("step-*")}
    return sorted((p for p in steps if steps[p] is not None), key=lambda p: steps[p] or 0)

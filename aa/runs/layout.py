"""The names in a run folder. Imports no paddle."""

from pathlib import Path
from typing import Any

STAGES = ("stage1", "stage2")  # folders of a run of both stages
SNAPSHOT, OUTCOME, SUMMARY = "snapshot.json", "outcome.json", "summary.json"
SNAPSHOTS = (SNAPSHOT, f"{STAGES[0]}/{SNAPSHOT}")  # the first there is
METRICS = "metrics.jsonl"
PLAN = "plan.json"  # in a stage's folder: what was counted of it before it started
CASES = "cases.jsonl"  # of an animation: a line for each video as soon as it is done
HYDRA = ".hydra"
CHECKPOINTS, BEST = "checkpoints", "best"  # BEST: a link to the one that validated best


def stage_folders(config: Any, folder: str | Path) -> list[Path]:
    """The folders of the stages of a `TrainConfig`, in order: the run's own, or one for each."""
    return [Path(folder) / name for name in STAGES] if config.next_stage else [Path(folder)]

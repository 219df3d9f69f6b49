"""Tiny trainings for hosts and clusters: their commands, and what must hold of them afterwards."""

import json
import sys
from pathlib import Path

from aa.runs.outcomes import read_outcome, state
from tests.commands import ROOT
from tests.conftest import TINY_MODEL

RUNNER = (sys.executable, str(ROOT / "runners" / "train.py"))
TINY = [
    *TINY_MODEL,
    "stage.init_from=null",
    "data=puppets",
    "data.generate={folder:set,num_clips:3,num_frames:10,fps:8,seed:0}",
    "data.height=32",
    "data.width=16",
    "data.sample_margin=2",
    "data.num_workers=1",
    "hardware.num_threads=1",
    "stage.log_steps=1",
    "stage.save_steps=1000",
]


def losses(folder: Path) -> dict[int, float]:
    """{step: loss} of a run."""
    try:
        lines = (folder / "metrics.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return {}
    records = [json.loads(line) for line in lines if line.endswith("}")]
    return {record["step"]: record["loss"] for record in records if "loss" in record}


def steps(folder: Path) -> int:
    """The last step that a run has recorded; 0 before the first."""
    return max(losses(folder), default=0)


def saved(folder: Path) -> int:
    """The step of the last checkpoint of a run; 0 where there is none."""
    found = folder.glob("checkpoints/step-*")
    return max((int(path.name.partition("-")[2]) for path in found), default=0)


def assert_saved(folder: Path) -> int:
    """A stopped run has lost no step and has not failed; the step it was saved at."""
    assert state(folder) == "interrupted", (state(folder), read_outcome(folder))
    assert saved(folder) >= steps(folder) > 0
    return saved(folder)

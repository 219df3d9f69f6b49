"""Folders of runs and sweeps, written by hand."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def make_run(tmp_path):
    """Function (name below tmp_path, files) -> the run folder; what is no text is written as JSON.

    Of `lines`, a list of dicts, it writes `metrics.jsonl`.
    """

    def make(name, *, lines=(), **files):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        if lines:
            (folder / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
        for file, content in files.items():
            path = folder / f"{file}.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return folder

    return make


@pytest.fixture
def make_sweep(make_run, tmp_path):
    """Function (jobs, what `sweep.json` says) -> the sweep's folder.

    A job is (swept values, the val/loss it ends with or None, its state).
    """

    def make(jobs, **about):
        for number, (swept, loss, state) in enumerate(jobs):
            files = {} if state == "waiting" else {"snapshot": {}}
            files |= {"outcome": outcome(state)} if state in ("done", "failed") else {}
            make_run(
                f"sweep/{number}_job",
                lines=[] if loss is None else [{"step": 4, "val/loss": loss}],
                job={"number": number, "swept": swept},
                **files,
            )
        plain = {"runner": "/x/runners/train.py", "swept": list(jobs[0][0]), "metric": "val/loss"}
        plain |= {"direction": "min", "sweeper": "basic", "command": "python runners/train.py -m"}
        (tmp_path / "sweep/sweep.json").write_text(json.dumps(plain | about))
        return tmp_path / "sweep"

    return make


def outcome(state):
    error = "the loss is no number" if state == "failed" else None
    return {"state": state, "error": error, "code": 2 if error else 0, "seconds": 65.0}


def read(path):
    return json.loads(Path(path).read_text())

"""Run folders as their runs would leave them, and somebody who writes one."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from aa.runs.sealing import partial_folder, seal

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from aa.runs.lock import held
with held(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


def make_run(folder, *, ends="done", runner="train", overrides=(), lines=(), **config):
    """A run folder.

    Args:
        folder: to make.
        ends: "done", "failed", or None of one that was interrupted.
        runner: that made it.
        overrides: of its command line.
        lines: of `metrics.jsonl`, as dicts.
        config: of its snapshot.
    """
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text(json.dumps(list(overrides)))
    snapshot = {"config": config, "command": ["python", f"/x/{runner}.py"]}
    snapshot["working_directory"] = str(folder.parent)
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    if ends:
        (folder / "outcome.json").write_text(json.dumps({"state": ends}))
    if lines:
        (folder / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    return folder


def make_sweep(folder, jobs=2):
    """A sweep's folder with done jobs 0_job, 1_job, ..."""
    folder.mkdir(parents=True)
    for number in range(jobs):
        job = make_run(folder / f"{number}_job", overrides=["a=1", f"seed={number}"])
        (job / "job.json").write_text(json.dumps({"swept": {"seed": number}}))
    (folder / "sweep.json").write_text(json.dumps({"runner": "/x/train.py", "arguments": []}))
    return folder


@contextmanager
def written(folder):
    """Another process writes the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        yield
        process.stdin.close()


def make_checkpoint(part, step):
    """A sealed checkpoint of a run or stage."""
    target = part / "checkpoints" / f"step-{step:06d}"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_folder(target)
    (partial / "training").mkdir(parents=True)
    (partial / "training/state.safetensors").write_bytes(b"state")
    (partial / "config.json").write_text('{"format": "aa-1"}')
    for name in ("vae", "pose_guider"):
        (partial / f"{name}.safetensors").write_text(f"{name} {step}")
    seal(partial, target, step=step)
    return target

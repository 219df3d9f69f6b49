"""Two processes on the CPU, started by `hardware.devices=2`, are one run with the same numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # starts four interpreters
ROOT = Path(__file__).parents[2]
COMMON = [
    "stage=1",
    "model=parity",
    "hardware=cpu",
    "data=puppets",
    "data.height=96",
    "data.width=64",
    "data.generate.num_clips=3",
    "data.generate.num_frames=10",
    "data.num_workers=0",
    "stage.max_steps=3",
    "stage.log_steps=1",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders of one process with batches of 2 and of two processes with batches of 1."""
    folder = tmp_path_factory.mktemp("processes")
    options = {
        "one": ["stage.per_device_batch_size=2"],
        "two": ["stage.per_device_batch_size=1", "hardware.devices=2"],
    }
    for name, own in options.items():
        command = [sys.executable, ROOT / "runners" / "train.py", *COMMON, *own]
        result = subprocess.run(
            [*command, f"hydra.run.dir={name}"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert result.returncode == 0, result.stderr
    return {name: folder / name for name in options}


def metrics(folder, key):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)[key] for line in lines]


def test_two_processes_have_the_loss_of_one_with_the_same_global_batch(runs):
    assert metrics(runs["two"], "step") == [1, 2, 3]
    assert metrics(runs["two"], "loss") == pytest.approx(metrics(runs["one"], "loss"), abs=1e-5)


def test_two_processes_have_the_gradient_of_one_with_the_same_global_batch(runs):
    one, two = (metrics(runs[name], "grad_norm") for name in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-3)


def test_two_processes_share_one_run_folder(runs):
    assert (runs["two"] / "checkpoints" / "step-000003" / "config.json").is_file()
    logs = sorted(p.name for p in (runs["two"] / "logs").iterdir())
    assert logs == ["workerlog.0", "workerlog.1"]


def test_only_the_first_process_shows_the_config(runs):
    assert "max_steps" not in (runs["two"] / "logs" / "workerlog.1").read_text()

"""Sweeps on Slurm, without an accounting data base."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.sweeps.toys import TOY, Toy, wait_for

FAKE = Path(__file__).parent / "fake_slurm.py"
NO_ACCOUNTING = "echo 'Slurm accounting storage is disabled' >&2; exit 1"
SLURM = "hydra/launcher=submitit_slurm"


class SlurmToy(Toy):
    """The toy's sweeps on Slurm's commands of `fake_slurm.py`."""

    def __init__(self, home):
        super().__init__(home)
        self.commands, tasks = home / "bin", home / "tasks"
        self.commands.mkdir()
        tasks.mkdir()
        for name in ("sbatch", "srun", "squeue", "scontrol", "scancel"):
            self.write(name, f'exec {sys.executable} {FAKE} {name} "$@"')
        self.write("sacct", NO_ACCOUNTING)
        self.environment["PATH"] = f"{self.commands}{os.pathsep}{os.environ['PATH']}"
        self.environment["FAKE_SLURM"] = str(tasks)

    def scancel(self, number, *options):
        subprocess.run(["scancel", number, *options], env=self.environment, check=True)

    def job(self, name):
        return json.loads((self.folder / name / "job.json").read_text())

    def write(self, name, line):
        """Make a command of a line of shell."""
        (self.commands / name).write_text(f"#!/bin/sh\n{line}\n")
        (self.commands / name).chmod(0o755)


@pytest.fixture
def toy(tmp_path):
    toy = SlurmToy(tmp_path)
    yield toy
    for task in (tmp_path / "tasks").iterdir():
        toy.scancel(task.name, "--signal=KILL")


def start(toy, *arguments, begun):
    """A sweep on Slurm, as soon as one of its jobs has begun."""
    process = toy.start("-m", *arguments, SLURM, toy.into)
    wait_for(toy.folder / f"{begun}.begun")
    time.sleep(0.5)  # its process is at work
    return process


@pytest.mark.slow
def test_a_cancelled_job_ends_neither_the_command_nor_the_others(toy):
    process = start(toy, "x=1,2", "ends=slowly,well", begun="0_x-1_ends-slowly")
    wait_for(toy.folder / "2_x-2_ends-slowly.begun")
    toy.scancel("1_0")
    (toy.folder / "2_x-2_ends-slowly/outcome.json").write_text(
        json.dumps({"state": "done", "error": None, "code": 0, "seconds": 1.0})
    )
    toy.scancel("1_2", "--signal=KILL")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "0_x-1_ends-slowly: was cancelled, Slurm job 1_0\n" in output
    assert "4 jobs: 3 done, 1 interrupted\nreport: " in output
    assert f"sweep.resume={toy.folder}\n" in output


@pytest.mark.slow
def test_the_exit_code_is_that_of_a_job_that_failed(toy):
    code, output, errors = toy.sweep("ends=badly,well", SLURM)
    assert code == 2
    assert "2 jobs: 1 done, 1 failed" in output
    assert errors.endswith("error: 0_ends-badly: x=1.0 is impossible.\n")


@pytest.mark.slow
def test_a_job_that_is_warned_of_its_end_saves_and_is_queued_again(toy):
    process = start(toy, "ends=stuck", begun="0")
    for sent in ("USR2", "TERM", "USR2"):
        toy.scancel("1", f"--signal={sent}")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert toy.outcomes() == {"0": "done"}
    assert toy.starts() == {"0": 2}


@pytest.mark.slow
def test_a_job_that_gets_nowhere_in_its_time_has_failed_the_second_time(toy):
    process = start(toy, "ends=slowly", "hydra.launcher.timeout_min=1", begun="0")
    toy.scancel("1", "--signal=USR2")
    for _ in range(200):
        if toy.starts() == {"0": 2}:
            break
        time.sleep(0.1)
    time.sleep(0.5)
    toy.scancel("1", "--signal=USR2")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.endswith(
        "error: 0: saved no new step between two time limits of 1 minutes; give it more: "
        "hydra.launcher.timeout_min=2.\n"
    )


@pytest.mark.slow
def test_a_command_that_is_stopped_leaves_its_jobs_and_finds_them_again(toy):
    process = start(toy, "ends=stuck,well", begun="0_ends-stuck")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 143
    assert errors == f"interrupted; go on with it: python {TOY} sweep.resume={toy.folder}\n"
    process = toy.start(f"sweep.resume={toy.folder}", SLURM)
    assert "0_ends-stuck: is in the queue already, Slurm job 1_0" in process.stdout.readline()
    toy.scancel("1_0", "--signal=USR2")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert toy.starts() == {"0_ends-stuck": 2, "1_ends-well": 1}


@pytest.mark.slow
def test_a_search_is_told_what_its_jobs_have_come_to(toy):
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=2"]
    code, _, errors = toy.sweep(*search, "x=interval(0,6)", SLURM)
    assert code == 0, errors
    found = yaml.safe_load((toy.folder / "optimization_results.yaml").read_text())
    losses = [json.loads(f.read_text())["val/loss"] for f in toy.folder.glob("*/metrics.jsonl")]
    assert found["best_value"] == min(losses)


def test_a_host_without_slurm_is_told_so(tmp_path):
    toy = Toy(tmp_path)
    toy.environment["PATH"] = str(tmp_path)
    code, _, errors = toy.sweep("x=1,2", SLURM)
    assert code == 2
    assert errors == (
        "error: hydra/launcher=submitit_slurm: no sbatch here; start the sweep on a host of a "
        "Slurm cluster, or try it with hydra/launcher=submitit_local.\n"
    )


def test_a_key_that_slurm_does_not_take_is_said_with_its_words(tmp_path):
    toy = SlurmToy(tmp_path)
    toy.write("sbatch", "echo 'sbatch: error: invalid partition specified: fast' >&2; exit 1")
    code, _, errors = toy.sweep("x=1,2", SLURM)
    assert code == 2
    assert "invalid partition specified: fast" in errors.splitlines()[-1]
    assert "hydra.launcher.partition=<one that sinfo shows>" in errors.splitlines()[-1]

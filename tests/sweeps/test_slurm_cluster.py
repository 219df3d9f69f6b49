"""Sweeps on a real Slurm of two hosts, without an accounting data base."""

import json
import os
import random
import re
import signal
import sys
import time

import pytest

from aa.runs.outcomes import read_outcome
from tests.cluster.slurm import wait_for
from tests.cluster.trainings import RUNNER, TINY, saved, steps
from tests.commands import ROOT
from tests.sweeps.toys import TOY

SLURM = "hydra/launcher=submitit_slurm"
BOTH = pytest.mark.parametrize(
    "cluster",
    [{"proctrack": "pgid"}, {"proctrack": "linuxproc"}],
    ids=["pgid", "linuxproc"],
    indirect=True,
)


@pytest.fixture
def begin(cluster, tmp_path):
    """Function words of a command -> the sweep that it begins on a host, its folder beside it."""
    environment = {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}

    def start(*words):
        return cluster.start("a", *map(str, words), cwd=tmp_path, env=environment)

    return start


def sweep(begin, folder, *words):
    return begin(sys.executable, TOY, "-m", SLURM, f"hydra.sweep.dir={folder}", *words)


def queued(folder, name):
    """The id of a job, as soon as it has begun."""
    wait_for((folder / f"{name}.begun").exists, f"{name} to begin", 60)
    return json.loads((folder / name / "job.json").read_text())["queued"]


@BOTH
def test_a_cancelled_job_ends_neither_the_command_nor_the_others(cluster, begin, tmp_path):
    folder = tmp_path / "sweep"
    process = sweep(begin, folder, "ends=stuck,well", "x=1,2")
    number = queued(folder, "0_ends-stuck_x-1")
    queued(folder, "2_ends-well_x-1")
    cluster.run("a", "scancel", number)
    other = queued(folder, "1_ends-stuck_x-2")
    cluster.run("a", "scancel", "--signal=USR2", other)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert f"0_ends-stuck_x-1: was cancelled, Slurm job {number}\n" in output
    assert "4 jobs: 3 done, 1 interrupted\nreport: " in output
    assert f"sweep.resume={folder}\n" in output


def test_a_job_that_its_time_limit_ends_is_queued_again_and_goes_on(cluster, begin, tmp_path):
    folder = tmp_path / "sweep"
    limit = ["hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=1"]
    process = sweep(begin, folder, "ends=stuck", *limit)
    cluster.time_out(queued(folder, "0"))
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 0, (output, errors)
    assert (folder / "0.begun").read_text() == "xx"


def test_a_command_that_is_stopped_finds_its_jobs_in_the_queue(cluster, begin, tmp_path):
    folder = tmp_path / "sweep"
    process = sweep(begin, folder, "ends=stuck")
    number = queued(folder, "0")
    os.kill(_of(cluster, TOY), signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert errors == f"interrupted; go on with it: python {TOY} sweep.resume={folder}\n"
    process = begin(sys.executable, TOY, f"sweep.resume={folder}", SLURM)
    line = next(line for line in process.stdout if "queue" in line)
    assert line == f"0: is in the queue already, Slurm job {number}\n"
    cluster.run("a", "scancel", "--signal=USR2", number)
    assert process.wait(120) == 0
    assert (folder / "0.begun").read_text() == "xx"


@pytest.mark.slow
@BOTH
def test_no_step_is_lost_whatever_slurm_says_and_however_often(cluster, begin, tmp_path):
    folder = tmp_path / "sweep"
    process = begin(
        *RUNNER,
        "-m",
        "stage=1",
        *TINY,
        "stage.max_steps=100000",
        SLURM,
        f"hydra.sweep.dir={folder}",
    )
    job = folder / "0"
    chance = random.Random(0)
    for _ in range(2):
        before = saved(job)
        wait_for(lambda: steps(job) > before + 1, "the training to go on", 120)  # noqa: B023
        time.sleep(chance.uniform(0, 1))
        number, seen = json.loads((job / "job.json").read_text())["queued"], steps(job)
        for sent in chance.choice([["USR2"], ["USR2", "TERM"], ["USR2", "USR2", "CONT", "TERM"]]):
            cluster.run("a", "scancel", f"--signal={sent}", number)
            time.sleep(chance.uniform(0, 0.5))
        wait_for(lambda: saved(job) >= seen, "the step to be saved", 60)  # noqa: B023
        cluster.wait(number, "PENDING", "RUNNING")
        assert read_outcome(job) is None
    cluster.run("a", "scancel", number)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130
    assert re.search(rf"0: was (cancelled|stopped), Slurm job {number}\n", output)


def _of(cluster, script):
    """The process of a command on the first host."""
    for process in cluster.processes("a"):
        if str(script) in process.cmdline() and "-m" in process.cmdline():
            return process.pid
    raise AssertionError(f"{script} is not running")

"""Sweeps as commands: what is run, what is said, and going on with them."""

import json
import signal
import subprocess
import sys
from importlib.util import find_spec

import psutil
import pytest
import yaml

from aa.runs.lock import held_briefly
from tests.sweeps.toys import TOY, Toy, wait_for

NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="the extra `ray` is not installed")


@pytest.fixture
def toy(tmp_path):
    return Toy(tmp_path)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """(toy, exit code, output, errors) of a sweep whose jobs end in different ways."""
    toy = Toy(tmp_path_factory.mktemp("mixed"))
    return toy, *toy.sweep("x=1,2", "ends=badly,well,killed")


@pytest.fixture
def sleeping(toy):
    """(toy, process) of a sweep whose first job has begun and does not end by itself."""
    process = toy.start("-m", "ends=slowly,well", f"hydra.sweep.dir={toy.folder}")
    wait_for(toy.folder / "0_ends-slowly.begun")
    yield toy, process
    process.kill()
    process.communicate()


def test_a_job_that_fails_or_is_killed_stops_no_other(mixed):
    toy, *_ = mixed
    assert toy.outcomes() == {
        "0_x-1_ends-badly": "failed",
        "1_x-1_ends-well": "done",
        "2_x-1_ends-killed": "failed",
        "3_x-2_ends-badly": "failed",
        "4_x-2_ends-well": "done",
        "5_x-2_ends-killed": "failed",
    }


def test_the_exit_code_is_that_of_the_first_failure(mixed):
    _, code, *_ = mixed
    assert code == 2


def test_errors_are_said_when_they_happen_and_at_the_end(mixed):
    _, _, output, errors = mixed
    assert output.index("0_x-1_ends-badly: failed: x=1.0") < output.index("4_x-2_ends-well")
    assert "error: 0_x-1_ends-badly: x=1.0 is impossible.\n" in errors
    assert "error: 2_x-1_ends-killed: was ended by SIGKILL: killed, or out of memory\n" in errors


def test_the_end_says_how_many_and_how_to_go_on(mixed):
    toy, _, output, _ = mixed
    assert "6 jobs: 2 done, 4 failed\n" in output
    assert f"sweep.resume={toy.folder}" in output


def test_a_job_leaves_what_a_single_run_leaves(mixed):
    toy, *_ = mixed
    job = toy.folder / "1_x-1_ends-well"
    assert {f.name for f in (job / ".hydra").iterdir()} == {
        "config.yaml",
        "hydra.yaml",
        "overrides.yaml",
    }
    assert "is impossible" in (toy.folder / "0_x-1_ends-badly/output.log").read_text()


def test_a_second_sweep_into_the_same_folder_is_refused(mixed):
    toy, *_ = mixed
    code, _, errors = toy.sweep("x=1,2")
    assert code == 2
    assert "holds a sweep already; choose another hydra.sweep.dir=<folder>, or go on with it: " in (
        errors
    )


@pytest.mark.slow
def test_a_resumed_sweep_runs_only_what_is_new_or_unfinished(toy):
    toy.sweep("x=1,2", "seed=0")
    (toy.folder / "1_x-2/outcome.json").unlink()  # as if it had been stopped
    code, _, _ = toy.resume("x=1,2,4")
    assert code == 0
    assert toy.starts() == {"0_x-1": 1, "1_x-2": 2, "2_x-4": 1}


@pytest.mark.slow
def test_failed_jobs_are_tried_again_as_often_as_asked_in_all(toy):
    toy.sweep("x=1", "ends=once,badly", "sweep.retries=1")
    assert toy.outcomes() == {"0_ends-once": "done", "1_ends-badly": "failed"}
    toy.resume()
    assert toy.starts() == {"0_ends-once": 2, "1_ends-badly": 2}
    toy.resume("sweep.retries=2")
    assert toy.starts() == {"0_ends-once": 2, "1_ends-badly": 3}


def test_fail_fast_starts_nothing_after_a_failure(toy):
    code, _, _ = toy.sweep("ends=badly,well", "sweep.fail_fast=true")
    assert code == 2
    assert toy.starts() == {"0_ends-badly": 1}


def test_a_sweep_that_is_running_is_not_gone_on_with_twice(sleeping):
    toy, process = sleeping
    code, _, errors = toy.resume()
    assert code == 2
    assert f"is being written by process {process.pid}" in errors


def test_a_signal_stops_the_job_and_says_how_to_go_on(sleeping):
    toy, process = sleeping
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.endswith(f"go on with it: python {TOY} sweep.resume={toy.folder}\n")
    assert toy.outcomes() == {}


@pytest.mark.slow
def test_a_killed_sweep_takes_its_job_along_and_goes_on(sleeping):
    toy, process = sleeping
    process.kill()
    process.communicate()
    code, *_ = toy.resume("ends=well")
    assert code == 0
    assert toy.outcomes() == {"1_ends-well": "done"}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_a_launcher_changes_where_jobs_run_and_nothing_else(toy, launcher):
    code, output, errors = toy.sweep("x=1,2", "ends=well,badly", f"hydra/launcher={launcher}")
    assert code == 2
    assert list(toy.outcomes().values()) == ["done", "failed", "done", "failed"], errors
    assert "1_x-1_ends-badly: failed: x=1.0 is impossible." in output


@pytest.mark.slow
def test_a_job_that_its_queue_ends_is_queued_again_and_goes_on(toy):
    local = ["hydra/launcher=submitit_local", f"hydra.sweep.dir={toy.folder}"]
    process = toy.start("-m", "ends=stuck", *local)
    wait_for(toy.folder / "0.begun")
    _signal_queue(toy.folder, signal.SIGUSR2)
    process.communicate(timeout=60)
    assert toy.outcomes() == {"0": "done"}
    assert toy.starts() == {"0": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "two"),
    [
        ("joblib", "hydra.launcher.n_jobs=2"),
        pytest.param("ray", "+hydra.launcher.ray.init.num_cpus=2", marks=NEEDS_RAY),
    ],
)
def test_a_signal_to_a_sweep_of_several_jobs_at_once_lets_all_of_them_end(toy, launcher, two):
    beside = [f"hydra/launcher={launcher}", two]
    process = toy.start("-m", "ends=slowly,stuck", "seed=0,1", *beside, toy.into)
    for name in ("0_ends-slowly_seed-0", "1_ends-slowly_seed-1"):
        wait_for(toy.folder / f"{name}.begun")
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "stopping: 2 jobs finish their step and save" in output
    assert "sweep.resume=" in errors
    assert list(toy.starts().values()) == [1, 1]


HOLD = """
import sys, time
from pathlib import Path
from aa.runs.lock import held_briefly
with held_briefly(Path(sys.argv[1]), say=print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lock", "whose"), [("0_x-1/.job.lock", "0_x-1:"), (".claims.lock", "{}: its list of jobs")]
)
def test_a_lock_that_is_waited_for_is_said_with_who_has_it(toy, lock, whose):
    toy.sweep("x=1,2")
    (toy.folder / "0_x-1/outcome.json").unlink()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, toy.folder / lock],
        env=toy.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    process = toy.start(f"sweep.resume={toy.folder}")
    whose = whose.format(toy.folder)
    line = line_with("waiting for it", process)
    assert line.startswith(f"{whose} is being written by process {holder.pid} on ")
    holder.kill()
    holder.communicate()
    output, errors = process.communicate(timeout=60)
    assert f"{whose} is free; it goes on\n" in output
    assert process.returncode == 0, errors


@pytest.mark.slow
def test_a_job_that_waits_for_a_lock_can_be_stopped(toy):
    toy.sweep("x=1,2")
    (toy.folder / "0_x-1/outcome.json").unlink()
    with held_briefly(toy.folder / "0_x-1/.job.lock", say=print):
        process = toy.start(f"sweep.resume={toy.folder}")
        line_with("waiting for it", process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_sweep_that_nobody_listens_to_goes_on_and_does_not_count_as_done(toy):
    process = toy.start("-m", "x=1,2", toy.into)
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert list(toy.outcomes().values()) == ["done", "done"]
    assert process.returncode == 1, errors


@pytest.mark.slow
def test_a_search_finds_the_best_and_goes_on_with_the_same_values(toy):
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_jobs=1", "x=interval(0,6)"]
    toy.sweep(*search, "hydra.sweeper.n_trials=2")
    code, *_ = toy.resume("hydra.sweeper.n_trials=4")
    assert code == 0
    assert list(toy.starts().values()) == [1, 1, 1, 1]
    found = yaml.safe_load((toy.folder / "optimization_results.yaml").read_text())
    assert found["best_value"] == min(_losses(toy))


def test_a_search_whose_jobs_all_fail_says_why(toy):
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "x=interval(0,6)"]
    code, _, errors = toy.sweep(*search, "ends=badly")
    assert code == 2
    assert "is impossible" in errors.splitlines()[-1]


def test_a_search_needs_what_to_search_by(toy):
    code, _, errors = toy.sweep("x=interval(0,6)", "hydra/sweeper=optuna", "sweep.metric=null")
    assert code == 2
    assert (
        errors
        == "error: a search needs what to search by: add sweep.metric=val/loss, for example.\n"
    )


def line_with(words, process):
    """The next line with these words that a process prints."""
    return next(line for line in process.stdout if words in line)


def _signal_queue(folder, number):
    """Do to the job as a queue does whose time is over."""
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if f"submitit.core._submit {folder}" in command:
            process.send_signal(number)


def _losses(toy):
    files = toy.folder.glob("*/metrics.jsonl")
    return [json.loads(file.read_text())["val/loss"] for file in files]

"""Waiting for jobs in a queue: what is queued, what is said, and when it is over."""

import json
import os
import stat
import subprocess
import sys

import pytest

from aa.runs.outcomes import read_outcome, write_outcome
from aa.sweeps import slurm
from aa.sweeps.limits import TimeLimit
from aa.sweeps.queue import Queued, read_queue
from aa.sweeps.slurm import SlurmJobs
from aa.sweeps.sweep import Sweep
from tests.sweeps.toys import ROOT

RUNNING, CANCELLED = Queued("RUNNING"), Queued("CANCELLED")


@pytest.fixture
def sweep(tmp_path):
    about = dict.fromkeys(Sweep.__dataclass_fields__) | {"folder": str(tmp_path), "started": 1.0}
    for number, name in enumerate(("0_a", "1_b", "2_c")):
        (tmp_path / name).mkdir()
        job = {"number": number, "signature": name, "swept": {}, "attempts": 1, "asked": 1.0}
        (tmp_path / name / "job.json").write_text(json.dumps(job))
    return Sweep(**about)


@pytest.fixture
def wait(sweep, monkeypatch, tmp_path):
    """Function (jobs, *answers of the controller) -> what is said while they are waited for.

    An answer is None, or {name: `Queued`}; instead of that, "done" or an error is how a job ends.
    The last answer is given for ever.
    """
    monkeypatch.setattr(slurm, "SOON", 0.0)
    monkeypatch.setattr(slurm, "LATE", 0.0)

    def run(names, *answers, retries=0, pause=lambda seconds: None):
        said, left = [], list(answers)

        def answer():
            now = left.pop(0) if len(left) > 1 else left[0]
            if now is None:
                return None
            for name in [name for name, found in now.items() if isinstance(found, str)]:
                error = None if now[name] == "done" else now[name]
                write_outcome(tmp_path / name, seconds=1.0, error=error, code=2 if error else 0)
            return {f"7_{n[0]}": found for n, found in now.items() if isinstance(found, Queued)}

        run.queued = []
        SlurmJobs(
            sweep,
            names,
            submit=lambda wanted: run.queued.append(wanted) or [f"7_{name[0]}" for name in wanted],
            retries=retries,
            limit=TimeLimit(minutes=60, most=9),
            log=lambda number: tmp_path / f"{number}.err",
            ask=answer,
            again=lambda number: not said.append(f"again {number}"),
            say=said.append,
            pause=pause,
        ).wait()
        return said

    return run


def test_a_cancelled_job_is_said_and_the_others_are_waited_for(wait):
    said = wait(
        ["0_a", "1_b"],
        {},
        {"0_a": CANCELLED, "1_b": RUNNING},
        {"0_a": CANCELLED, "1_b": "done"},
    )
    assert said[2:] == ["0_a: was cancelled, Slurm job 7_0"]


def test_a_job_that_no_queue_knows_any_more_has_vanished(wait):
    said = wait(["0_a"], {}, {"0_a": RUNNING}, {})
    assert said[-1] == "0_a: has vanished: Slurm job 7_0 is in no queue, and left no outcome"


def test_a_job_is_not_lost_because_its_outcome_comes_late(wait, monkeypatch):
    monkeypatch.setattr(slurm, "LATE", 60.0)
    assert wait(["0_a"], {}, {"0_a": RUNNING}, {}, {"0_a": "done"}) == ["0_a: is Slurm job 7_0"]


def test_a_controller_that_gives_no_answer_ends_nothing_and_is_said_once(wait):
    said = wait(["0_a"], {}, None, None, None, {"0_a": RUNNING}, {"0_a": "done"})
    assert said[1:] == [
        "Slurm's controller gives no answer (squeue); waiting on",
        "Slurm's controller answers again",
    ]


def test_a_job_that_its_host_killed_has_failed_with_what_it_said_last(wait, tmp_path):
    (tmp_path / "7_0.err").write_text("slurmstepd: x\nModuleNotFoundError: No module named 'aa'\n")
    wait(["0_a"], {}, {"0_a": Queued("FAILED")})
    outcome = read_outcome(tmp_path / "0_a")
    assert outcome["state"] == "failed"
    assert outcome["error"].startswith(
        "Slurm job 7_0 ended as FAILED: ModuleNotFoundError: No module named 'aa'; see "
    )


def test_a_job_that_was_asked_to_stop_has_not_failed_and_is_queued_again(wait, sweep, tmp_path):
    """As where Slurm wants its place: nobody has cancelled it."""
    sweep.note("0_a", stopped=True)
    said = wait(["0_a"], {}, {"0_a": Queued("FAILED")}, {"0_a": "done"})
    assert said[1:] == [
        "again 7_0",
        "0_a: ended as FAILED, Slurm job 7_0 is queued again",
    ]


def test_a_job_that_fails_again_and_again_before_it_begins_is_not_queued_for_ever(wait, sweep):
    sweep.note("0_a", stopped=True)
    said = wait(["0_a"], {}, {"0_a": Queued("FAILED")})
    assert said.count("again 7_0") == 1


def test_a_job_that_slurm_ended_for_its_time_is_queued_again(wait):
    timeout = {"0_a": Queued("TIMEOUT")}
    said = wait(["0_a"], {}, timeout, {"0_a": RUNNING}, {"0_a": "done"})
    assert said[1:] == [
        "again 7_0",
        "0_a: ended as TIMEOUT, Slurm job 7_0 is queued again",
    ]


def test_a_job_that_gets_nowhere_between_two_time_limits_has_failed(wait, tmp_path):
    wait(["0_a"], {}, {"0_a": Queued("TIMEOUT")})
    assert read_outcome(tmp_path / "0_a")["error"] == (
        "saved no new step between two time limits of 60 minutes; give it more: "
        "hydra.launcher.timeout_min=120."
    )


def test_what_is_done_is_not_queued(wait, tmp_path):
    write_outcome(tmp_path / "1_b", seconds=1.0)
    wait(["0_a", "1_b", "2_c"], {}, {"0_a": "done", "2_c": "done"})
    assert wait.queued == [["0_a", "2_c"]]


def test_a_job_that_failed_is_queued_as_often_as_is_asked_for(wait, tmp_path):
    write_outcome(tmp_path / "0_a", seconds=1.0, error="no", code=2)
    wait(["0_a"], {}, retries=0)
    assert wait.queued == []
    wait(["0_a"], {}, {"0_a": "done"}, retries=1)
    assert wait.queued == [["0_a"]]


def test_a_job_that_an_earlier_command_has_queued_is_waited_for(wait, sweep):
    sweep.note("0_a", queued="7_0")
    sweep.note("1_b", queued="6_1")  # has left the queue
    said = wait(["0_a", "1_b"], {"0_a": RUNNING}, {"0_a": "done", "1_b": "done"})
    assert wait.queued == [["1_b"]]
    assert said[0] == "0_a: is in the queue already, Slurm job 7_0"


HOLD = """
import sys, time
from pathlib import Path
from aa.runs.lock import held_briefly
with held_briefly(Path(sys.argv[1]), say=print):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_job_that_another_process_is_at_is_waited_for_and_then_queued(wait, tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "0_a/.job.lock"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    answers = {}, {}, {"0_a": "done"}
    said = wait(["0_a"], *answers, pause=lambda _: (holder.kill(), holder.wait()))
    assert said[0].startswith(f"0_a: is being written by process {holder.pid} on ")
    assert said[1:] == ["0_a: is free; it goes on", "0_a: is Slurm job 7_0"]


def test_what_a_running_job_says_of_its_waiting_is_said_here_too(wait, sweep):
    sweep.note("0_a", waits="is being written by process 3; waiting for it")
    said = wait(["0_a"], {}, {"0_a": RUNNING}, {"0_a": RUNNING}, {"0_a": "done"})
    assert said[1:] == ["0_a: is being written by process 3; waiting for it"]


def test_a_job_on_hold_is_said_with_what_lets_it_go(wait):
    held = {"0_a": Queued("PENDING", "launch failed requeued held")}
    said = wait(["0_a"], {}, held, held, {"0_a": "done"})
    assert said[1:] == [
        "0_a: is held in the queue (launch failed requeued held); `scontrol release 7_0` lets it go"
    ]


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Function of a shell script -> the command `squeue` is it."""

    def make(script):
        path = tmp_path / "bin/squeue"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")

    return make


def test_the_queue_is_read_as_squeue_prints_it(squeue):
    squeue("echo '7_0|RUNNING|None'; echo '8|PENDING|Resources|more'; echo odd")
    assert read_queue() == {
        "7_0": Queued("RUNNING", "None"),
        "8": Queued("PENDING", "Resources|more"),
    }


def test_a_queue_that_cannot_be_asked_is_none(squeue):
    squeue("echo 'Unable to contact slurm controller' >&2; exit 1")
    assert read_queue() is None

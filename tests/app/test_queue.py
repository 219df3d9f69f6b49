"""The queue is its files: jobs are started once, found again, stopped, moved, resumed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from aa.app import commands, queue
from aa.app.queue import FAILED, INTERRUPTED, RUNNING, STOPPED, WAITING, Queue
from aa.app.worker import Worker, start
from aa.errors import UserError
from aa.runs.outcomes import DONE
from tests.commands import ROOT

# A runner that writes what it was given and how it ended, and waits where it is told to.
RUNNER = """
import json, os, sys, time
from pathlib import Path
values = dict(word.split("=", 1) for word in sys.argv[1:])
folder = Path(values["hydra.run.dir"])
with open(folder / "starts", "a") as file:
    file.write("start\\n")
while "wait" in values and not (folder / "go").exists():
    time.sleep(0.02)
if "fails" in values:
    sys.exit(int(values["fails"]))
(folder / "outcome.json").write_text(json.dumps({"state": "done"}))
"""


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    (tmp_path / "runner.py").write_text(RUNNER)
    (tmp_path / "site").mkdir()
    patch = "import aa.app.commands as c\nc.runner_file = lambda name: {!r}\n"
    (tmp_path / "site" / "sitecustomize.py").write_text(patch.format(str(tmp_path / "runner.py")))
    paths = [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return Queue(tmp_path / "queue", tmp_path / "outputs")


def add(jobs, *arguments, title="job"):
    folder = jobs.new_folder("job")
    return jobs.add(title, "infer", [*arguments, f"hydra.run.dir={folder}"], folder)


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def work(jobs, holds):
    """Let a worker look until something holds."""
    worker = Worker(jobs)

    def looked():
        worker.look()
        return holds()

    until(looked)
    return worker


def started(job):
    """How often the command of a job has started."""
    path = job.folder / "starts"
    return path.read_text().count("\n") if path.exists() else 0


def states(jobs):
    return [job.state for job in jobs.jobs()]


def test_jobs_are_done_in_their_order(jobs):
    first, second = add(jobs), add(jobs)
    assert states(jobs) == [WAITING, WAITING]
    work(jobs, lambda: states(jobs) == [DONE, DONE])
    ends = [os.stat(job.folder / "outcome.json").st_mtime_ns for job in (first, second)]
    assert ends == sorted(ends)


def test_only_one_runs_at_a_time(jobs):
    first, second = add(jobs, "wait=1"), add(jobs)
    work(jobs, lambda: started(first))
    worker = Worker(jobs)
    worker.look()
    assert states(jobs) == [RUNNING, WAITING]
    (first.folder / "go").touch()
    work(jobs, lambda: states(jobs) == [DONE, DONE])
    assert (second.folder / "starts").read_text() == "start\n"


def test_another_server_finds_the_job_that_runs(jobs):
    job = add(jobs, "wait=1")
    work(jobs, lambda: started(job))
    again = Queue(jobs.home, jobs.outputs)
    assert states(again) == [RUNNING]
    Worker(again).look()
    (job.folder / "go").touch()
    work(again, lambda: states(again) == [DONE])
    assert (job.folder / "starts").read_text() == "start\n"


def test_of_two_that_start_a_job_one_goes_away(jobs):
    job = add(jobs, "wait=1")
    processes = [start(job), start(job)]
    until(lambda: any(process.poll() == queue.TAKEN for process in processes))
    (job.folder / "go").touch()
    assert sorted(process.wait(20) for process in processes) == [0, queue.TAKEN]
    assert (job.folder / "starts").read_text() == "start\n"


def test_a_job_that_was_killed_goes_on(jobs):
    job = add(jobs, "wait=1")
    work(jobs, lambda: started(job))
    os.killpg(jobs.jobs()[0].process, signal.SIGKILL)
    until(lambda: states(jobs) == [INTERRUPTED])
    (job.folder / "go").touch()
    work(jobs, lambda: states(jobs) == [DONE])
    assert (job.folder / "starts").read_text() == "start\n" * 2


def test_a_job_that_is_killed_every_time_fails_in_the_end(jobs, monkeypatch):
    monkeypatch.setattr(queue, "STARTS", 2)
    job = add(jobs, "wait=1")
    for count in (1, 2):
        work(jobs, lambda count=count: started(job) == count)
        os.killpg(jobs.jobs()[0].process, signal.SIGKILL)
        until(lambda: jobs.jobs()[0].process is None)
    assert states(jobs) == [FAILED]
    assert "ended without a word" in jobs.jobs()[0].error


def test_a_job_that_is_wrong_fails_at_once(jobs):
    job = add(jobs, "fails=2")
    work(jobs, lambda: states(jobs) == [FAILED])
    assert (job.folder / "starts").read_text() == "start\n"


def test_a_job_that_is_stopped_waits_for_a_wish_to_go_on(jobs):
    job = add(jobs, "wait=1")
    work(jobs, lambda: started(job))
    jobs.stop(jobs.job(job.number))
    work(jobs, lambda: states(jobs) == [STOPPED])
    (job.folder / "go").touch()
    jobs.resume(jobs.job(job.number))
    work(jobs, lambda: states(jobs) == [DONE])


def test_a_job_can_be_held_before_it_starts(jobs):
    job = add(jobs)
    jobs.stop(job)
    Worker(jobs).look()
    assert states(jobs) == [STOPPED] and not (job.folder / "starts").exists()


def test_jobs_change_places(jobs):
    first, second, third = (add(jobs, title=name) for name in ("first", "second", "third"))
    jobs.move(jobs.job(third.number), -1)
    assert [job.number for job in jobs.jobs()] == [first.number, third.number, second.number]
    jobs.move(jobs.job(first.number), 1)
    assert [job.number for job in jobs.jobs()] == [third.number, first.number, second.number]
    jobs.move(jobs.job(third.number), -1)
    assert jobs.jobs()[0].number == third.number


def test_a_job_is_forgotten_and_its_run_folder_stays(jobs):
    job = add(jobs)
    jobs.remove(job)
    assert jobs.jobs() == [] and job.folder.is_dir()
    with pytest.raises(UserError, match="no such job"):
        jobs.job(job.number)


def test_a_damaged_file_is_no_job(jobs):
    add(jobs)
    (jobs.home / "000007.json").write_text('{"runner": 3')
    assert len(jobs.jobs()) == 1


def test_numbers_are_not_given_twice_while_a_job_is_there(jobs):
    numbers = [add(jobs).number for _ in range(3)]
    assert numbers == [1, 2, 3]


def test_words_of_a_command_reach_it_as_they_are():
    values = {"reference": "a b'c,${d}.png", "pose": "walk.mp4", "inference.fps": 7.5, "gone": None}
    words = commands.overrides(values)
    assert words == ["reference='a b\\'c,\\${d}.png'", "pose=walk.mp4", "inference.fps=7.5"]
    assert commands.words("infer", words)[2:] == words


def test_a_text_that_looks_like_a_value_stays_a_text():
    assert commands.overrides({"name": "null"}) == ["name='null'"]
    assert commands.overrides({"name": "1e3"}) == ["name='1e3'"]


def test_the_launcher_starts_no_shell(jobs):
    job = add(jobs, "x=$(touch injected);`touch injected`")
    work(jobs, lambda: states(jobs) == [DONE])
    assert not list(jobs.home.parent.rglob("injected"))
    assert job.folder.is_dir()


def test_the_launcher_of_no_job_says_so(tmp_path):
    command = [sys.executable, "-m", "aa.app.launcher", str(tmp_path / "000001")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert ended.returncode == 1

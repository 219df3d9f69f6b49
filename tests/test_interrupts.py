"""A signal at any moment: one word, the exit code that shells know, and nothing has failed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from aa import interrupts
from aa.cli import how_to_go_on
from aa.config.evaluation import EvaluateConfig
from aa.config.primary import TrainConfig
from aa.errors import interruption
from aa.interrupts import Wish, Wishes

ROOT = Path(__file__).parents[1]
TOY = ROOT / "tests" / "sweeps" / "toy" / "runners" / "toy.py"
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
READY = "print('ready', flush=True); time.sleep(60)"
OPENING = "import ctypes, os, signal, sys, time\nfrom aa.interrupts import *\n"
SWALLOW = f"try:\n    {READY}\nexcept BaseException:\n    time.sleep(60)\n"  # as libraries do
TAKE = "ctypes.CDLL(None).signal(signal.SIGTERM, 0)\n"  # a handler away, as paddle's libraries do


@contextmanager
def started(*words, folder, ignored=()):
    """A Python process, to which signals come as to one in the foreground."""

    def prepare():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    with subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=prepare,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupt(script, number, folder, *, times=1):
    """(exit code, stderr) of a script that is sent a signal when it says that it is ready."""
    with started("-c", OPENING + script, folder=folder) as process:
        for _ in range(times):
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
        return process.wait(20), process.stderr.read()


def ended(number):
    return 128 + number, "interrupted\n"


@BOTH
def test_who_listens_ends_in_one_word(number, tmp_path):
    assert interrupt(f"listen()\n{READY}", number, tmp_path) == ended(number)


@BOTH
def test_a_library_that_swallows_what_is_raised_swallows_nothing(number, tmp_path):
    assert interrupt(f"listen()\n{SWALLOW}", number, tmp_path) == ended(number)


@BOTH
def test_what_was_opened_is_put_away(number, tmp_path):
    work = f"listen()\ntry:\n    with unwinding():\n        {READY}\n"
    work += "except KeyboardInterrupt as stop:\n    sys.exit(f'put away, {stop.code}')"
    assert interrupt(work, number, tmp_path) == (1, f"put away, {128 + number}\n")


@BOTH
def test_an_import_ends_at_once_whatever_it_swallows(number, tmp_path):
    (tmp_path / "library.py").write_text(f"import time\n{SWALLOW}")
    work = "listen()\nwith unwinding():\n    import library"
    assert interrupt(work, number, tmp_path) == ended(number)


def test_a_second_ctrl_c_does_not_wait_for_what_the_first_one_began(tmp_path):
    work = f"with unwinding():\n    try:\n        {READY}\n    finally:\n        {READY}"
    assert interrupt(work, signal.SIGINT, tmp_path, times=2) == ended(signal.SIGINT)


def test_what_the_first_sigterm_began_is_finished_though_another_one_repeats_it(tmp_path):
    """As where a scheduler speaks to all processes of a job, and a parent to its child."""
    work = f"try:\n    with unwinding():\n        try:\n            {READY}\n        finally:\n"
    work += "            print('ready', flush=True); time.sleep(0.5)\n"
    work += "except KeyboardInterrupt:\n    sys.exit('put away')"
    assert interrupt(work, signal.SIGTERM, tmp_path, times=2) == (1, "put away\n")


def test_what_comes_to_a_stopped_process_is_its_main_thread_s_all_the_same(tmp_path):
    """As where a scheduler suspends a job and ends it: all threads wake, and any may be first."""
    work = "listen()\ntry:\n    with unwinding():\n        print('ready', flush=True)\n"
    work += "        while True:\n            pass\n"
    work += "except KeyboardInterrupt:\n    sys.exit('put away')"
    for _ in range(5):
        with started("-c", OPENING + work, folder=tmp_path) as process:
            assert process.stdout.readline() == "ready\n"
            for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
                process.send_signal(number)
                time.sleep(0.05)
            assert (process.wait(20), process.stderr.read()) == (1, "put away\n")


def test_an_echo_does_not_end_who_says_its_last_words(tmp_path):
    work = f"listen()\ntry:\n    with unwinding():\n        {READY}\nexcept KeyboardInterrupt:\n"
    work += "    print('ready', flush=True); time.sleep(0.5); sys.exit('go on with it')"
    assert interrupt(work, signal.SIGTERM, tmp_path, times=2) == (1, "go on with it\n")


def test_a_second_sigterm_is_an_echo_within_a_grace_period_and_a_second_ctrl_c_never(monkeypatch):
    wishes = Wishes()
    assert wishes.hear(signal.SIGTERM) is Wish.STOP
    assert wishes.hear(signal.SIGTERM) is Wish.ECHO
    assert wishes.hear(signal.SIGINT) is Wish.ECHO
    assert wishes.hear(signal.SIGINT) is Wish.AT_ONCE
    monkeypatch.setattr(interrupts, "GRACE", 0)
    assert wishes.hear(signal.SIGTERM) is Wish.AT_ONCE


def test_a_warning_of_the_scheduler_kills_nobody_who_listens(tmp_path):
    work = "listen()\nos.kill(os.getpid(), signal.SIGUSR2)\nprint('lives')"
    with started("-c", OPENING + work, folder=tmp_path) as process:
        assert process.communicate(timeout=20) == ("lives\n", "")


def test_a_library_may_take_a_handler_away_while_it_is_imported(tmp_path):
    work = f"listen()\nwith unwinding(), importing():\n    {TAKE}    {READY}"
    assert interrupt(work, signal.SIGTERM, tmp_path) == ended(signal.SIGTERM)


def test_a_handler_that_was_taken_away_comes_back(tmp_path):
    work = f"try:\n    with unwinding():\n        with importing():\n            {TAKE}"
    work += f"        {READY}\nexcept KeyboardInterrupt:\n    sys.exit('back')"
    assert interrupt(work, signal.SIGTERM, tmp_path) == (1, "back\n")


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    work = "listen()\nwith unwinding():\n    os.kill(os.getpid(), signal.SIGINT)\nprint('lives')"
    with started(
        "-c", OPENING + work, folder=tmp_path, ignored=[signal.SIGINT, signal.SIGTERM]
    ) as process:
        assert process.communicate(timeout=20) == ("lives\n", "")


def listens(process):
    """Whether a process blocks SIGINT in its first thread, as `listen` does."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    blocked = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk"))
    return bool(int(blocked, 16) >> (signal.SIGINT - 1) & 1)


@pytest.mark.parametrize(
    "runner", ["train", "infer", "evaluate", "prepare", "runs", "report", "aa"]
)
def test_a_runner_listens_before_it_imports_what_takes_time(runner, tmp_path):
    words = ["-m", "aa", "train"] if runner == "aa" else [str(ROOT / "runners" / f"{runner}.py")]
    words += ["."] * (runner == "report")  # without a folder it would end by itself meanwhile
    with started(*words, folder=tmp_path) as process:
        until = time.monotonic() + 20
        while not listens(process):
            assert time.monotonic() < until
        process.send_signal(signal.SIGINT)
        assert (process.wait(20), process.stderr.read()) == ended(signal.SIGINT)


@pytest.mark.parametrize("ends", ["oddly", "wrapped"])
def test_an_error_that_came_of_an_interrupt_is_no_failure(ends, tmp_path):
    with started(str(TOY), f"ends={ends}", "hydra.run.dir=run", folder=tmp_path) as process:
        assert process.communicate(timeout=30)[1] == "interrupted\n"
    assert process.returncode == 130
    assert not (tmp_path / "run" / "outcome.json").exists()


def test_what_interrupted_is_found_behind_what_libraries_make_of_it():
    stop, error = KeyboardInterrupt(), ImportError()
    error.__context__ = SystemError()
    assert interruption(error) is None
    error.__context__.__cause__ = stop
    assert interruption(error) is stop


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([".hydra/config.yaml"], ""),
        (["snapshot.json"], "; go on from its start: python "),
        (["stage1/snapshot.json"], "; go on from its start: python "),
        (["snapshot.json", "checkpoints/step-000001/x"], "; go on from its last checkpoint: "),
        (["stage1/snapshot.json", "stage1/checkpoints/step-000001/x"], "; go on from its last "),
    ],
)
def test_going_on_is_offered_where_a_run_has_begun(files, said, tmp_path):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    job = SimpleNamespace(sweep=None, schema=TrainConfig, folder=str(tmp_path), nodes=1)
    assert how_to_go_on(job).startswith(said)
    assert how_to_go_on(job).endswith(f"resume={tmp_path}") == bool(said)
    job.schema = EvaluateConfig
    assert how_to_go_on(job) == ""

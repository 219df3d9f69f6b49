"""What is kept of a process' words."""

import os
import signal
import subprocess
import sys
import time

import pytest

from aa.runs.words import last_error, last_lines
from aa.sweeps.process import Stopper, run_process


@pytest.fixture
def said(tmp_path):
    """Function text -> the file that a process has written it into."""

    def write(text):
        (tmp_path / "output.log").write_text(text)
        return tmp_path / "output.log"

    return write


def test_the_error_of_a_process_is_its_last_line_that_names_one(said):
    assert last_error(said("ValueError: a\nerror: b is wrong\nbye\n"), 2) == "b is wrong"


def test_a_bar_is_its_last_state(said):
    assert last_lines(said("1 %\r2 %\r100 %\n")) == ["100 %"]


def test_a_process_that_says_nothing_is_told_by_its_code(said):
    assert last_error(said("hello\n"), 3) == "ended with exit code 3 and without a word"
    assert last_error(said(""), -9) == "was ended by SIGKILL: killed, or out of memory"


def test_what_a_process_says_is_added_to_its_file(tmp_path):
    (tmp_path / "log").write_text("before\n")
    command = [sys.executable, "-c", "print('now')"]
    with Stopper(alone=False) as stopper:
        assert run_process(command, tmp_path / "log", os.environ, stopper=stopper) == 0
    assert (tmp_path / "log").read_text() == "before\nnow\n"


LISTENER = '''
import os, signal, sys, time
from aa.errors import Interrupted
from aa.sweeps.process import Stopper, run_process
child = """import signal, sys, time
def save(*_):
    signal.signal(15, lambda *_: print("again"))
    time.sleep(1)
    print("saved")
    sys.exit(143)
signal.signal(15, save)
print("ready", flush=True)
time.sleep(30)
"""
signal.signal(signal.SIGUSR2, lambda *_: sys.exit("warned"))
with Stopper(alone=ALONE) as stopper:
    code = run_process([sys.executable, "-c", child], sys.argv[1], os.environ, stopper=stopper)
    try:
        stopper.check()
    except Interrupted as stop:
        print(code, stop.code, flush=True)
'''


@pytest.fixture
def listen(tmp_path):
    """Function alone -> a process that runs one which says "ready", and saves when asked to stop.

    What that one says is in `log`.
    """
    started = []

    def start(*, alone):
        script = LISTENER.replace("ALONE", str(alone))
        process = subprocess.Popen(
            [sys.executable, "-c", script, tmp_path / "log"], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        wait_for_text(tmp_path / "log", "ready\n")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_process_outlives_the_one_that_listens_as_long_as_it_takes_to_say_so(listen, tmp_path):
    listen(alone=True).kill()
    wait_for_text(tmp_path / "log", "ready\nsaved\n")


@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGTERM, signal.SIGUSR2, signal.SIGCONT, signal.SIGTERM),
        (signal.SIGUSR2, signal.SIGTERM, signal.SIGUSR2),
    ],
)
def test_what_a_scheduler_says_several_times_asks_once_and_lets_it_save(listen, tmp_path, signals):
    process = listen(alone=False)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.1)
    assert process.communicate(timeout=20)[0] == "143 143\n"
    assert (tmp_path / "log").read_text() == "ready\nsaved\n"


def wait_for_text(path, text):
    for _ in range(200):
        if path.exists() and path.read_text() == text:
            return
        time.sleep(0.05)
    raise AssertionError(path.exists() and path.read_text())

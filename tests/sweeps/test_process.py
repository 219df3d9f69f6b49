"""What is kept of a process' words."""

import os
import subprocess
import sys
import time

import pytest

from aa.sweeps.process import run_process
from aa.sweeps.words import last_error, last_lines


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
    ended = run_process(command, tmp_path / "log", os.environ, alone=False)
    assert ended == (0, None)
    assert (tmp_path / "log").read_text() == "before\nnow\n"


def test_a_process_outlives_the_one_that_listens_as_long_as_it_takes_to_say_so(tmp_path):
    listener = f"""
import os, sys
from aa.sweeps.process import run_process
child = "import signal, time; signal.signal(15, lambda *_: (print('saved'), exit())); " + (
    "print('ready', flush=True); time.sleep(30)"
)
run_process([sys.executable, '-c', child], {str(tmp_path / "log")!r}, os.environ, alone=True)
"""
    process = subprocess.Popen([sys.executable, "-c", listener], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate()
    for _ in range(100):
        if (tmp_path / "log").read_text() == "ready\nsaved\n":
            return
        time.sleep(0.05)
    raise AssertionError((tmp_path / "log").read_text())

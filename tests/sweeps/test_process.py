"""What is kept of a process' words."""

import os
import sys

from aa.sweeps.process import LastWords, run_process


def said(*parts):
    words = LastWords()
    for part in parts:
        words.hear(part.encode())
    return words


def test_the_error_of_a_process_is_its_last_line_that_names_one():
    assert said("ValueError: a\nerror: b is", " wrong\nbye\n").error(2) == "b is wrong"


def test_a_bar_is_its_last_state():
    assert list(said("1 %\r2 %\r100 %\n").lines) == ["100 %"]


def test_a_process_that_says_nothing_is_told_by_its_code():
    assert said("hello\n").error(3) == "ended with exit code 3 and without a word"
    assert said().error(-9) == "was ended by SIGKILL: killed, or out of memory"


def test_what_a_process_says_is_added_to_its_file(tmp_path):
    (tmp_path / "log").write_text("before\n")
    words = LastWords()
    command = [sys.executable, "-c", "print('now')"]
    ended = run_process(command, tmp_path / "log", os.environ, echo=False, words=words)
    assert ended == (0, None)
    assert (tmp_path / "log").read_text() == "before\nnow\n"

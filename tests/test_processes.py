"""A process among others: how those of a group wait for each other, and what one shows."""

import re
import signal
import threading
import time

import paddle
import pytest

from aa import processes
from aa.processes import (
    FORWARDED,
    WARNING,
    Shown,
    is_main_process,
    is_run_command,
    runner_command,
    wait_for_others,
)
from tests.commands import ROOT


class Store:
    """Counts as Paddle's store does; keeps who has added what."""

    def __init__(self):
        self.counts, self.lock = {}, threading.Lock()

    def add(self, key, number):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + number
            return self.counts[key]


@pytest.fixture
def store(monkeypatch):
    """The store of a group of two processes, of which this one is the second."""
    found = Store()
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.setenv("PADDLE_TRAINER_ID", "1")
    monkeypatch.setattr(processes, "_barriers", iter(range(9)))
    monkeypatch.setattr(paddle.base.core, "create_or_get_global_tcp_store", lambda: found)
    monkeypatch.setattr(paddle.distributed, "get_world_size", lambda: 2)
    return found


@pytest.mark.parametrize(
    ("rank", "there", "comes"),
    [
        (1, [], "aa/barrier/0"),
        (0, ["aa/barrier/0"], "aa/barrier/0/left"),
    ],
    ids=["the last has come", "the last has left who keeps the store"],
)
def test_a_process_waits_until(store, monkeypatch, rank, there, comes):
    """It asks the store: a sum of the group gives up after half a minute with gloo."""
    monkeypatch.setenv("PADDLE_TRAINER_ID", str(rank))
    for key in there:
        store.add(key, 1)
    since = time.monotonic()
    threading.Timer(0.3, store.add, [comes, 1]).start()
    wait_for_others()
    assert time.monotonic() - since >= 0.25


def test_a_signal_does_not_come_amid_what_a_process_asks_the_store(store, monkeypatch):
    """Paddle takes it for an error of the connection, and the answer is never read."""
    masks, add = [], store.add

    def watched(key, number):
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        return add(key, number)

    monkeypatch.setattr(store, "add", watched)
    store.counts["aa/barrier/0"] = 1
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    wait_for_others()
    assert all({*FORWARDED, WARNING} <= mask for mask in masks)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_a_process_alone_waits_for_nobody(store, monkeypatch):
    monkeypatch.delenv("PADDLE_TRAINERS_NUM")
    wait_for_others()
    assert not store.counts


@pytest.mark.parametrize(
    ("environment", "node_rank", "main", "command"),
    [
        ({}, 0, True, True),
        ({}, 1, False, False),
        ({"PADDLE_TRAINERS_NUM": "2", "PADDLE_TRAINER_ID": "0"}, 0, True, False),
        ({"PADDLE_TRAINERS_NUM": "2", "PADDLE_TRAINER_ID": "1"}, 0, False, False),
    ],
    ids=["the only one", "command of a later host", "first of a group", "second of a group"],
)
def test_one_process_of_all_writes_the_run(monkeypatch, environment, node_rank, main, command):
    for key in ("PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ID"):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert is_main_process(node_rank) == main
    assert is_run_command(node_rank) == command


def test_what_is_shown_of_a_file_ends_its_line(tmp_path, capsys):
    path = tmp_path / "log"
    path.write_text("1 %")
    with Shown(path) as shown:
        shown.show()
        with open(path, "a") as file:
            file.write("\r2 %")
        shown.show()
        shown.show()
    assert capsys.readouterr().out == "1 %\r2 %\n"


def test_the_output_of_a_later_host_is_not_shown(tmp_path, capsys):
    (tmp_path / "log").write_text("step 1")
    with Shown(tmp_path / "log", wanted=False) as shown:
        shown.show()
    assert capsys.readouterr().out == ""


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """The folder of the package where only the wheel is installed."""
    home = tmp_path / "site-packages" / "aa"
    (home / "runners").mkdir(parents=True)
    monkeypatch.setattr(processes, "HOME", home)
    return home


def test_a_runner_of_a_checkout_is_named_by_its_path():
    assert runner_command("train") == "python runners/train.py"
    assert runner_command("../runners/train.py") == "python ../runners/train.py"
    assert runner_command("my runners/train.py") == "python 'my runners/train.py'"


def test_a_runner_of_a_wheel_is_a_word_of_aa(wheel):
    assert runner_command("train") == "aa train"
    assert runner_command(wheel / "runners" / "infer.py") == "aa infer"
    assert runner_command("/elsewhere/toy.py") == "python /elsewhere/toy.py"


def test_no_message_of_ours_spells_a_runner_itself():
    rooms = [ROOT / "aa" / room for room in ("build", "cli", "config", "data", "runs", "training")]
    files = [file for room in rooms for file in room.rglob("*.py")]
    spelled = [f.name for f in files if re.search(r"[\"' ]python (runners/|\{)", f.read_text())]
    assert not spelled

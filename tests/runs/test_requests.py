"""Requests to a training, as files."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from aa.cli.run_requests import ask_run
from aa.errors import UserError
from aa.runs import requests
from aa.runs.requests import Mailbox, ask
from tests.runs.folders import make_run, written


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", ends=None)


@pytest.fixture
def running(run, monkeypatch):
    """The run, as if another process wrote it."""
    monkeypatch.setattr(requests, "is_held", lambda folder: True)
    return run


def test_requests_are_taken_once_in_their_order(running):
    ask(running, ["sample", "save"])
    mailbox = Mailbox(running)
    assert mailbox.take() == ["sample", "save"]
    assert mailbox.take() == []
    assert not list(running.glob("*request*.json"))


def test_requests_of_several_people_wait_beside_each_other(running):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda wish: ask(running, [wish]), ["save", "stop", "validate", "sample"]))
    assert sorted(Mailbox(running).take()) == ["sample", "save", "stop", "validate"]


def test_a_run_that_nobody_writes_is_not_asked(run):
    with pytest.raises(UserError, match="is not running"):
        ask(run, ["save"])
    with written(run):
        ask_run(str(run), ["save"])
    assert json.loads((run / "request.json").read_text()) == {"ask": ["save"]}


def test_an_unknown_wish_is_refused_and_an_animation_is_not_asked(running, tmp_path):
    with pytest.raises(UserError, match="for save, stop, validate or sample"):
        ask(running, ["explode"])
    with pytest.raises(UserError, match="is no training"):
        ask_run(str(make_run(tmp_path / "video", runner="infer")), ["save"])


@pytest.mark.parametrize("content", ["{", "[]", '{"ask": "save"}', '{"ask": [1]}', " " * 20_000])
def test_a_damaged_request_is_named_once_and_the_next_one_is_answered(content, running, caplog):
    (running / "request.json").write_text(content)
    mailbox = Mailbox(running)
    with caplog.at_level(logging.WARNING):
        assert [mailbox.take() for _ in range(3)] == [[], [], []]
    assert len(caplog.messages) == 1 and "request left out: " in caplog.messages[0]
    ask(running, ["save"])
    assert mailbox.take() == ["save"]


def test_of_a_request_only_what_is_known_is_answered(running, caplog):
    (running / "request.json").write_text('{"ask": ["\\u001b[2J", "save"]}')
    mailbox = Mailbox(running)
    assert mailbox.take() == ["save"]
    (line,) = caplog.messages
    assert line.isprintable() and "is none of save, stop, validate, sample" in line


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_file_is_named_once_and_not_followed(kind, running, tmp_path, caplog):
    (tmp_path / "other.json").write_text('{"ask": ["stop"]}')
    path = running / "request.json"
    make = {
        "link": lambda: path.symlink_to(tmp_path / "other.json"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
    }
    make[kind]()
    mailbox = Mailbox(running)
    assert [mailbox.take() for _ in range(3)] == [[], [], []]
    assert len(caplog.messages) == 1


def test_a_request_that_an_earlier_start_did_not_read_is_left_out(running, caplog):
    ask(running, ["stop"])
    os.utime(running / "request.json", (1, 1))
    (running / ".command.lock").touch()
    assert Mailbox(running).take() == []
    assert "older than this start" in caplog.text
    assert not (running / "request.json").exists()


def test_a_step_without_a_request_costs_one_look_at_the_disk(running, monkeypatch):
    looks = []
    monkeypatch.setattr(requests.os, "lstat", lambda path: looks.append(path) or os.stat("/none"))
    Mailbox(running).take()
    assert looks == [running / "request.json"]

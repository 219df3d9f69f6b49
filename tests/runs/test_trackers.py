"""What trackers are told of a training, and that nothing of theirs holds one up."""

import json
import logging
import os
import signal
import sys
import time

import numpy as np
import pytest

from aa.build.training import build_trainer
from aa.config.trackers import BUILT_IN, check_trackers, lacking_tracker
from aa.errors import Interrupted, UserError
from aa.runs import trackers
from aa.runs.lines import read_records
from aa.runs.records import Recorder
from aa.runs.trackers import TrackedRun, make_trackers
from tests.conftest import SAMPLING, TINY_MODEL
from tests.runs.fake_tracker import FakeTracker


@pytest.fixture
def told(monkeypatch):
    """What trackers of the name `fake` are told."""
    monkeypatch.setitem(BUILT_IN, "fake", "tests.runs.fake_tracker:FakeTracker")
    monkeypatch.setattr(FakeTracker, "told", [])
    monkeypatch.setattr(FakeTracker, "wrong", {})
    return FakeTracker.told


def record(folder, steps=3, state="done"):
    """Record a training of some steps."""
    folder.mkdir(exist_ok=True)
    run = TrackedRun(folder, "walk", {"seed": 1}, {"seed": 1}, ["train/loss"])
    recorder = Recorder(folder, run=run, trackers=make_trackers(["fake"], folder))
    recorder.begin()
    for step in range(1, steps + 1):
        recorder.record(step, loss=0.5, grad_norm=None)
    recorder.close(state)


def names(told):
    return [name for name, *_ in told]


def test_a_tracker_is_told_in_order_what_a_training_is_and_comes_to(tmp_path, told):
    run = TrackedRun(tmp_path, "walk", {"seed": 1}, {"seed": 1}, ["train/loss"])
    recorder = Recorder(tmp_path, run=run, trackers=make_trackers(["fake"], tmp_path))
    recorder.begin()
    recorder.record(1, loss=0.5, grad_norm=None)
    recorder.record(1, group="val", psnr=20.0)
    recorder.image("sample", np.zeros((8, 4, 3), np.uint8), 1)
    recorder.wrote("sample", tmp_path / "a.mp4", 1)
    recorder.close()
    assert told == [
        ("begin", run),
        ("scalars", "train", {"loss": 0.5}, 1),
        ("scalars", "val", {"psnr": 20.0}, 1),
        ("image", "sample", (8, 4, 3), 1),
        ("file", "sample", "a.mp4", 1),
        ("end", "done"),
    ]


@pytest.mark.parametrize("method", ["begin", "scalars", "end"])
def test_what_goes_wrong_with_a_tracker_is_one_line_and_the_run_goes_on(
    tmp_path, told, caplog, method
):
    FakeTracker.wrong[method] = ConnectionError("no \x1b[2J server")
    with caplog.at_level(logging.WARNING):
        record(tmp_path / "run")
    (line,) = [line for line in caplog.messages if line.startswith("trackers: fake")]
    assert "ConnectionError: no \\x1b[2J server" in line
    assert [r["step"] for r in read_records(tmp_path / "run/metrics.jsonl")] == [1, 2, 3]
    assert names(told)[-1] == method  # nothing more was asked of it


def test_a_tracker_that_cannot_be_made_is_one_line(tmp_path, told, caplog, monkeypatch):
    monkeypatch.setitem(BUILT_IN, "fake", "tests.runs.fake_tracker:NotThere")
    with caplog.at_level(logging.WARNING):
        record(tmp_path / "run")
    assert len([line for line in caplog.messages if line.startswith("trackers: fake")]) == 1


def test_no_step_waits_for_a_tracker_and_its_end_not_for_long(tmp_path, told, caplog, monkeypatch):
    monkeypatch.setattr(trackers, "ENDS_WITHIN", 0.3)
    FakeTracker.wrong["scalars"] = 5.0
    begin = time.monotonic()
    with caplog.at_level(logging.WARNING):
        record(tmp_path / "run", steps=50)
    assert time.monotonic() - begin < 30
    assert "took more than 0.3 s at the end" in caplog.text


def test_a_tracker_that_is_too_slow_is_left_before_it_fills_the_memory(
    tmp_path, told, caplog, monkeypatch
):
    monkeypatch.setattr(trackers, "MOST_WAITING", 10)
    monkeypatch.setattr(trackers, "ENDS_WITHIN", 0.1)
    FakeTracker.wrong["begin"] = 0.5
    with caplog.at_level(logging.WARNING):
        record(tmp_path / "run", steps=30)
    assert caplog.text.count("10 calls wait for it") == 1


def test_a_run_that_goes_on_is_the_same_to_its_tracker(tmp_path, told):
    record(tmp_path / "run")
    record(tmp_path / "run")
    identities = [run.identity for name, run in (c for c in told if c[0] == "begin")]
    assert identities == [None, "run-1"]


def test_trackers_that_begin_at_once_keep_each_others_identities(tmp_path, monkeypatch):
    class Slow(FakeTracker):
        def begin(self, run):
            time.sleep(0.3)  # meanwhile the other has written its own
            return "slow-1"

    monkeypatch.setitem(BUILT_IN, "fake", "tests.runs.fake_tracker:FakeTracker")
    monkeypatch.setitem(BUILT_IN, "slow", f"{__name__}:Slow")
    monkeypatch.setattr(sys.modules[__name__], "Slow", Slow, raising=False)
    run = TrackedRun(tmp_path, "walk", {}, {}, [])
    recorder = Recorder(tmp_path, run=run, trackers=make_trackers(["slow", "fake"], tmp_path))
    recorder.begin()
    recorder.close("done")
    kept = json.loads((tmp_path / "trackers.json").read_text())["identities"]
    assert kept == {"slow": "slow-1", "fake": "run-1"}


def test_an_identity_that_could_not_be_read_again_is_not_written(
    tmp_path, told, monkeypatch, caplog
):
    monkeypatch.setattr(FakeTracker, "begin", lambda *_: "team/project/abc")
    record(tmp_path)
    assert not (tmp_path / "trackers.json").exists()
    assert "it calls the run 'team/project/abc'" in caplog.text


@pytest.mark.parametrize(
    "content", ["{", '{"identities": {"fake": "../other"}}', '{"identities": {"fake": 3}}']
)
def test_an_identity_that_is_damaged_is_none(tmp_path, told, content):
    (tmp_path / "trackers.json").write_text(content)
    record(tmp_path)
    assert told[0][1].identity is None
    assert json.loads((tmp_path / "trackers.json").read_text()) == {"identities": {"fake": "run-1"}}


def test_an_installed_package_may_offer_a_tracker(tmp_path, told, monkeypatch):
    about = tmp_path / "packages/mine-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Name: mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[aa.trackers]\nmine = tests.runs.fake_tracker:FakeTracker\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "packages")])
    check_trackers(["mine"])
    (tracker,) = make_trackers(["mine"], tmp_path)
    assert isinstance(tracker.tracker, FakeTracker)


def test_a_tracker_that_is_not_installed_is_refused_before_the_start(monkeypatch):
    monkeypatch.setitem(BUILT_IN, "no_such_package", "nowhere:Nobody")
    assert lacking_tracker([]) is None
    assert "pip install .[no_such_package]" in (lacking_tracker(["no_such_package"]) or "")


def test_a_tracker_that_is_named_twice_is_refused():
    with pytest.raises(UserError, match="names one twice: mlflow, mlflow"):
        check_trackers(["mlflow", "mlflow"])


def test_a_training_tells_its_trackers_all(told, train):
    folder = train("run", "stage=1", "trackers=[fake]", *SAMPLING)
    begin, *rest = told
    assert (begin[1].folder, begin[1].name) == (folder, "train")
    assert begin[1].config["stage.max_steps"] == 2
    assert begin[1].hyper_parameters["seed"] == 42 and begin[1].metrics == ["train/loss"]
    losses = [(call[3], call[2]["loss"]) for call in rest if call[0] == "scalars"]
    assert losses == [(r["step"], r["loss"]) for r in read_records(folder / "metrics.jsonl")]
    assert [call[1:] for call in rest if call[0] == "file"] == [
        ("sample", "reference_pose_result_truth.mp4", 1),
        ("checkpoint", "step-000001", 1),
        ("sample", "reference_pose_result_truth.mp4", 2),
        ("checkpoint", "step-000002", 2),
    ]
    assert names(rest).count("image") == 2
    assert rest[-1] == ("end", "done")


def run_of(compose, puppets, folder, *overrides):
    steps = ["stage=1", "stage.max_steps=2", "stage.log_steps=1", "trackers=[fake]"]
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *steps, *overrides])
    folder.mkdir()
    return build_trainer(config, folder)


def test_a_training_that_fails_has_failed_to_its_trackers(compose, puppets, tmp_path, told):
    trainer = run_of(compose, puppets, tmp_path / "run")
    trainer.training_step = lambda *args, **kwargs: 1 / 0
    with pytest.raises(ZeroDivisionError):
        trainer.train()
    assert told[-1] == ("end", "failed")


def test_a_training_that_is_stopped_is_interrupted_to_its_trackers(
    compose, puppets, tmp_path, told
):
    trainer = run_of(compose, puppets, tmp_path / "run")
    step = trainer.training_step

    def stopped(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGTERM)
        return step(*args, **kwargs)

    trainer.training_step = stopped
    with pytest.raises(Interrupted):
        trainer.train()
    assert told[-1] == ("end", "interrupted")


def test_a_training_that_cannot_begin_is_no_run_of_its_trackers(compose, puppets, tmp_path, told):
    trainer = run_of(compose, puppets, tmp_path / "run")
    trainer.session.recorder.close("failed")
    assert told == []

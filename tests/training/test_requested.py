"""A training that is asked for something while it runs."""

import logging
import signal

import pytest

from aa.build.training import build_trainer
from aa.errors import Interrupted
from aa.files import write_json
from aa.runs.layout import list_checkpoints
from aa.runs.lines import read_records
from aa.training.requested import Requested
from aa.training.stopping import Stopper
from tests.conftest import SAMPLING, TINY_MODEL

VALIDATED = ["validation.num_clips=1", "validation.steps=100"]
SELDOM = [*SAMPLING, "stage.sample_steps=100", "stage.save_steps=100", "stage.max_steps=4"]
SELDOM += ["stage.log_steps=1"]


@pytest.fixture
def asked(compose, puppets, tmp_path):
    """Function (wishes, overrides) -> the run folder of a training that was asked in its step 2."""

    def run(*wishes, overrides=(), ends=()):
        given = [*TINY_MODEL, *puppets, "hardware=cpu", "stage=1", *SELDOM, *overrides]
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        trainer = build_trainer(compose("train", given), folder)
        original = trainer.compute_loss

        def compute_loss(*arguments, **options):
            if trainer.state.global_step == 1:
                write_json(folder / "request.json", {"ask": list(wishes)})
            return original(*arguments, **options)

        trainer.compute_loss = compute_loss
        if ends:
            with pytest.raises(ends) as stop:
                trainer.train()
            assert stop.value.code == 128 + signal.SIGTERM
        else:
            trainer.train()
        return folder

    return run


def saved(folder):
    return [path.name for path in list_checkpoints(folder)]


def test_a_checkpoint_that_is_asked_for_is_saved_after_the_step(asked):
    assert saved(asked("save")) == ["step-000002", "step-000004"]


def test_a_sample_and_a_validation_are_made_after_the_step_and_change_no_loss(asked, caplog, train):
    with caplog.at_level(logging.INFO):
        folder = asked("sample", "validate", overrides=VALIDATED)
    assert [path.name for path in (folder / "samples").iterdir()] == ["step-000002"]
    records = read_records(folder / "metrics.jsonl")
    assert [r["step"] for r in records if "val/loss" in r] == [2, 4]
    for line in ("asked after step 2: sample", "sample: done after step 2, as asked"):
        assert line in caplog.messages
    quiet = train("quiet", "stage=1", *SELDOM, *VALIDATED)
    losses = [
        [r["loss"] for r in read_records(f / "metrics.jsonl") if "loss" in r]
        for f in (folder, quiet)
    ]
    assert losses[0] == losses[1]


def test_a_training_that_is_asked_to_stop_saves_its_step_as_at_a_signal(asked):
    folder = asked("stop", ends=Interrupted)
    assert saved(folder) == ["step-000002"]
    assert not (folder / "summary.json").exists()


def test_a_sample_asked_for_with_a_stop_is_made_when_the_run_is_resumed(asked, compose, puppets):
    folder = asked("stop", "sample", ends=Interrupted)
    assert not (folder / "samples").exists()
    given = [*TINY_MODEL, *puppets, "hardware=cpu", "stage=1", *SELDOM, f"resume={folder}"]
    build_trainer(compose("train", given), folder).train()
    assert [path.name for path in (folder / "samples").iterdir()] == ["step-000002"]


def test_what_a_training_has_not_got_is_answered_with_the_reason(asked, caplog):
    folder = asked("validate", "sample", overrides=["stage.sample_steps=0"])
    assert "validate: not done, this training holds no clips out" in caplog.text
    assert "sample: not done, this training shows no samples" in caplog.text
    assert not (folder / "samples").exists()


class Box:
    """A mailbox with wishes."""

    def __init__(self, *wishes):
        self.wishes = wishes

    def take(self):
        return self.wishes


def test_the_other_processes_follow_the_sum_and_forget_it_with_the_step():
    main, other = Requested(Box("save", "validate"), Stopper()), Requested(None, Stopper())
    for requested in (main, other):
        requested.read(3, ["clips"])
    assert (main.flags(), other.flags()) == ([1.0, 1.0], [0.0, 0.0])
    other.agree([1.0, 1.0])
    assert (other.save, other.waits, other.looks) == (True, True, set())
    other.clear()
    assert other.flags() == [0.0, 0.0]

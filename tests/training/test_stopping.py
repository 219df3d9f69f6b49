"""A signal ends a training after its step, saved."""

import os
import signal

import pytest

from aa import interrupts
from aa.build.training import build_trainer
from aa.errors import Interrupted
from aa.runs.layout import list_checkpoints
from aa.training.stopping import Stopper
from tests.conftest import TINY_MODEL


@pytest.fixture(autouse=True)
def heard():
    """Signals as an interactive shell hands them on: a job in the background ignores SIGINT."""
    wanted = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_ctrl_c_is_kept_and_the_second_stops_at_once():
    with Stopper() as stopper:
        os.kill(os.getpid(), signal.SIGINT)
        assert stopper.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_of_two_that_forward_the_same_stop_the_second_is_no_wish():
    with Stopper() as stopper:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
    assert (stopper.signal, stopper.at_once) == (signal.SIGTERM, False)


def test_a_sigterm_after_the_grace_period_stops_at_once(monkeypatch):
    monkeypatch.setattr(interrupts, "GRACE", 0)
    with Stopper():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_afterwards_signals_do_what_they_did_before():
    before = signal.getsignal(signal.SIGINT)
    with Stopper():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Stopper() as stopper:
            os.kill(os.getpid(), signal.SIGINT)
        assert stopper.signal is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_training_saves_the_step_the_signal_came_in(compose, puppets, tmp_path):
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", "stage=1"])
    config.stage.max_steps, config.stage.save_steps = 6, 100
    folder = tmp_path / "run"
    folder.mkdir()
    trainer = build_trainer(config, folder)
    original = trainer.compute_loss

    def compute_loss(*arguments, **options):
        if trainer.state.global_step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **options)

    trainer.compute_loss = compute_loss
    with pytest.raises(Interrupted) as stop:
        trainer.train()
    assert stop.value.code == 143
    assert [c.name for c in list_checkpoints(folder)] == ["step-000002"]
    assert not (folder / "summary.json").exists()

"""What is worth an alert while a training runs."""

import math
import random
from types import SimpleNamespace

import pytest

from aa.build.training import build_trainer
from aa.runs.alerts import DISK, SKIPPED, SPIKE, STALLED
from aa.training import watch as watching
from aa.training.steps import Step
from aa.training.watch import LossSpikes, Watch
from tests.conftest import TINY_MODEL
from tests.webhook import webhook


class Told:
    """Alerts that are kept."""

    def __init__(self):
        self.events = []

    def tell(self, event, text, **facts):
        self.events.append(event)

    def close(self):
        pass


@pytest.fixture
def watched(tmp_path):
    """Function (options) -> a watch with a clock of its own, and what it tells."""

    def make(**options):
        now, told = [0.0], Told()
        given = {"loss_spike": 6.0, "stall": 10.0, "disk_gb": None, **options}
        watch = Watch(told, Step(), tmp_path, clock=lambda: now[0], **given)
        return SimpleNamespace(watch=watch, told=told, now=now)

    return make


def take(watched, seconds, number, *, loss=1.0, skipped=False):
    """A step of so many seconds."""
    state = SimpleNamespace(global_step=number, max_steps=1000)
    control = SimpleNamespace(should_save=False, should_training_stop=False)
    watched.watch.step.loss, watched.watch.step.skipped = loss, skipped
    watched.now[0] += seconds
    watched.watch.on_step_end(None, state, control)
    watched.watch.rest.on_step_end(None, state, control)


def test_losses_of_the_usual_spread_are_no_spike_and_ten_times_as_much_is():
    draw, spikes = random.Random(0), LossSpikes(6)
    usual = [spikes.take(math.exp(draw.gauss(-2, 0.3))) for _ in range(1000)]
    assert not any(usual)
    assert spikes.take(10 * math.exp(-2)) == pytest.approx(math.log(10) / 0.3, rel=0.2)


def test_the_first_losses_are_no_spikes_nor_is_a_small_change_of_a_constant_one():
    spikes = LossSpikes(6)
    assert not any(spikes.take(loss) for loss in [1.0, 100.0, *[1.0] * 40, 1.1])
    assert spikes.take(1.2)


def test_a_falling_loss_is_no_spike():
    spikes = LossSpikes(6)
    assert not any(spikes.take(1 / (1 + step / 10)) for step in range(500))


def test_a_spike_and_skipped_steps_are_told_of(watched):
    found = watched()
    for number in range(40):
        take(found, 1, number)
    take(found, 1, 40, loss=50.0)
    take(found, 1, 41, skipped=True)
    take(found, 1, 42, loss=math.nan)
    assert found.told.events == [SPIKE, SKIPPED, SKIPPED]


def test_a_standstill_is_one_of_many_times_the_usual_step(watched):
    found = watched()
    for number in range(10):
        take(found, 20, number)
    found.now[0] += 199
    found.watch.look()
    assert found.told.events == []
    found.now[0] += 2
    found.watch.look()
    assert found.told.events == [STALLED]


def test_short_steps_may_wait_for_a_minute_and_the_first_for_any_time(watched):
    found = watched()
    take(found, 0.1, 0)
    found.now[0] += 10_000
    found.watch.look()
    for number in range(10):
        take(found, 0.1, number)
    found.now[0] += 59
    found.watch.look()
    assert found.told.events == []


def test_saving_and_looking_at_the_model_are_no_standstill(watched):
    found = watched()
    for number in range(10):
        take(found, 1, number)
    state = SimpleNamespace(global_step=11, max_steps=1000)
    control = SimpleNamespace(should_save=True, should_training_stop=False)
    found.watch.on_step_end(None, state, control)
    found.watch.rest.on_step_end(None, state, control)
    found.now[0] += 10_000  # of writing the checkpoint
    found.watch.look()
    assert found.told.events == []
    found.watch.rest.on_save(None, state, control)
    found.now[0] += 100
    found.watch.look()
    assert found.told.events == [STALLED]


def test_a_disk_that_is_nearly_full_is_told_of(watched, monkeypatch):
    monkeypatch.setattr(watching.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e9))
    for least, events in ((2.0, [DISK]), (0.5, []), (None, [])):
        found = watched(disk_gb=least)
        found.watch.look()
        found.watch.look()  # not every five seconds
        assert found.told.events == events


def test_a_training_tells_a_webhook_of_a_step_that_it_skips(compose, puppets, tmp_path):
    with webhook() as hook:
        given = [*TINY_MODEL, *puppets, "hardware=cpu", "stage=1", "stage.max_steps=3"]
        given += ["stage.skip_nonfinite=true", f"alerts.url={hook.url}", "alerts.disk_gb=null"]
        trainer = build_trainer(compose("train", given), tmp_path)
        original = trainer.compute_loss

        def compute_loss(*arguments, **options):
            bad = math.nan if trainer.state.global_step == 1 else 1.0
            return original(*arguments, **options) * bad

        trainer.compute_loss = compute_loss
        trainer.train()
    (message,) = hook.messages
    assert (message["event"], message["step"], message["skipped"]) == ("skipped", 2, 1)


def test_a_training_that_tells_nobody_watches_nothing(trained, compose, puppets, tmp_path):
    given = [*TINY_MODEL, *puppets, "hardware=cpu", "stage=1"]
    session = build_trainer(compose("train", given), tmp_path).session
    session.recorder.close()
    assert session.watch is None

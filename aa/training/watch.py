"""What is worth an alert while a training runs: skipped steps, spikes, standstill, a full disk."""

from __future__ import annotations

import math
import shutil
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddlenlp.trainer import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from aa.processes import undisturbed
from aa.runs.alerts import DISK, SKIPPED, SPIKE, STALLED

if TYPE_CHECKING:
    from aa.runs.alerts import Alerts
    from aa.training.steps import Step

LOOK_EVERY = 5.0  # seconds, of the thread
DISK_EVERY = 60.0
LEAST_LOSSES, MOST_LOSSES = 30, 300  # that a spike is told by
LEAST_STEPS, MOST_STEPS = 5, 100  # that the usual time is told by
LEAST_STALL = 60.0  # seconds: a short step may wait longer for the disk
LEAST_SPREAD = 0.02  # of the logarithm of a loss: two in a hundred are never a spike
OF_NORMAL = 1.4826  # standard deviations in a median absolute deviation


class LossSpikes:
    """Scores losses by those before them, with medians: a spike moves neither of them.

    Of the logarithm, for losses are spread over orders of magnitude.

    Args:
        threshold: robust standard deviations above the median, from which it is a spike.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.logs: deque[float] = deque(maxlen=MOST_LOSSES)

    def take(self, loss: float) -> float | None:
        """Take a loss; return its score if it is a spike, else None."""
        value = math.log(max(loss, 1e-12))
        score = self._score(value) if len(self.logs) >= LEAST_LOSSES else 0.0
        self.logs.append(value)
        return score if score > self.threshold else None

    def _score(self, value: float) -> float:
        middle = statistics.median(self.logs)
        spread = statistics.median(abs(other - middle) for other in self.logs)
        return (value - middle) / max(OF_NORMAL * spread, LEAST_SPREAD)


class Watch(TrainerCallback):
    """Tells `Alerts` what happens between the steps; a thread sees what does not happen.

    Its `rest` must be the last callback: only the time between that and the end of the next step's
    work counts, no sample, validation or checkpoint. As a context it has its thread, and at its end
    the alerts are closed.

    Args:
        step: filled before it is called.
        folder: of the run, on the disk that may be full.
        loss_spike, stall, disk_gb: see `AlertsConfig`.
        clock: returns seconds.
    """

    def __init__(
        self,
        alerts: Alerts,
        step: Step,
        folder: Path,
        *,
        loss_spike: float | None,
        stall: float | None,
        disk_gb: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.alerts, self.step, self.folder, self.clock = alerts, step, folder, clock
        self.spikes = LossSpikes(loss_spike) if loss_spike is not None else None
        self.stall, self.disk_gb, self.rest = stall, disk_gb, _Rest(self)
        self.seconds: deque[float] = deque(maxlen=MOST_STEPS)
        self.since: float | None = None  # when the step in hand began; None beside the steps
        self.last = 0  # the last step
        self.skipped = 0
        self._looked_at_disk = -DISK_EVERY
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        with undisturbed():  # signals are the main thread's
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join(1.0)
        self.alerts.close()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.since is not None:
            self.seconds.append(self.clock() - self.since)
        self.since, self.last = None, state.global_step
        loss = self.step.loss
        if self.step.skipped or not math.isfinite(loss):
            self.skipped += 1
            text = f"step {self.last} was skipped, loss {loss:g}: {self.skipped} steps so far"
            self.alerts.tell(SKIPPED, text, step=self.last, skipped=self.skipped)
        elif self.spikes and (score := self.spikes.take(loss)) is not None:
            text = f"loss {loss:.4g} at step {self.last} is a spike, {score:.1f} deviations high"
            self.alerts.tell(SPIKE, text, step=self.last, loss=loss, score=score)

    def begins(self) -> None:
        """Count the time from now on as that of the next step."""
        self.since = self.clock()

    def look(self) -> None:
        """Tell of a standstill, and of a disk that is nearly full."""
        now, since = self.clock(), self.since
        if self.stall and since is not None and len(self.seconds) >= LEAST_STEPS:
            usual = statistics.median(tuple(self.seconds))
            if now - since > max(self.stall * usual, LEAST_STALL):
                text = (
                    f"no step for {now - since:.0f} s after step {self.last}, usual {usual:.2g} s"
                )
                self.alerts.tell(STALLED, text, step=self.last, seconds=now - since)
        if self.disk_gb and now - self._looked_at_disk >= DISK_EVERY:
            self._looked_at_disk = now
            with suppress(OSError):
                free = shutil.disk_usage(self.folder).free / 1e9
                if free < self.disk_gb:
                    text = f"{free:.1f} GB are free on the disk of {self.folder}"
                    self.alerts.tell(DISK, text, step=self.last, free_gb=free)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            self.look()


class _Rest(TrainerCallback):
    """The last callback of a step, after which the next one begins."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        last = state.global_step == state.max_steps or control.should_training_stop
        if not (control.should_save or last):
            self.watch.begins()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.global_step < state.max_steps and not control.should_training_stop:
            self.watch.begins()

"""The numbers of a training, by step: into metrics.jsonl and VisualDL."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import paddle
import psutil
from paddlenlp.trainer import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from aa.runs.lines import is_number

if TYPE_CHECKING:
    from aa.runs.kinds import RecordsState
    from aa.runs.records import Recorder
    from aa.training.steps import Step


@dataclass(frozen=True)
class StepSize:
    """The size of one optimizer step, over all processes.

    Attributes:
        samples: items of the dataset.
        frames: of all samples.
        tokens: places of the latents of all frames.
        model_share: floating-point operations of the model on one device, recompute not counted,
            divided by those that the device does in a second at most; None if not known.
    """

    samples: int
    frames: int
    tokens: int
    model_share: float | None = None

    def speed(self, seconds: float) -> dict[str, float]:
        """The numbers of a second, of a step that takes so many."""
        found = {
            "samples_per_second": self.samples / seconds,
            "frames_per_second": self.frames / seconds,
            "tokens_per_second": self.tokens / seconds,
        }
        if self.model_share is not None:
            found["model_flops_utilization"] = self.model_share / seconds
        return found


class RecordCallback(TrainerCallback):
    """Loss, rate, gradient norm, speed and memory.

    Its `clock` must be the last callback: saving and sampling in between do not count as training.

    Args:
        missed: names of looks at the model that a stop has omitted after the last step.
    """

    def __init__(self, recorder: Recorder, step: Step, size: StepSize, missed: list[str]) -> None:
        self.recorder, self.step, self.size = recorder, step, size
        self.clock = ClockCallback()
        self.at = 0
        self.losses, self.counted, self.skipped = 0.0, 0, 0
        self.missed = missed

    def state(self) -> dict[str, Any]:
        """Return what the next line needs of the steps before it, as plain values."""
        counts = {"losses": self.losses, "counted": self.counted, "skipped": self.skipped}
        return {**counts, "missed": self.missed}

    def load(self, state: RecordsState) -> None:
        """Resume from what `state` gave."""
        self.losses, self.counted = state.get("losses", 0.0), state.get("counted", 0)
        self.skipped = state.get("skipped", 0)
        self.missed[:] = state.get("missed", [])  # none in older checkpoints

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.at = state.global_step
        minutes = self.recorder.last.get("training_minutes")
        self.clock.total = 60 * cast(float, minutes) if is_number(minutes) else 0.0

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.clock.stop()
        if self.step.skipped or not math.isfinite(self.step.loss):
            self.skipped += 1
        else:
            self.losses, self.counted = self.losses + self.step.loss, self.counted + 1

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Any = None,
        **kwargs: Any,
    ) -> None:
        if "loss" not in logs or state.global_step == self.at:
            return  # the summary at the end of training
        seconds = self.clock.take() / (state.global_step - self.at)
        self.at = state.global_step
        self.recorder.record(
            state.global_step,
            loss=self.losses / self.counted if self.counted else None,
            learning_rate=float(logs["learning_rate"]),
            grad_norm=_number(self.step.grad_norm),
            skipped_steps=self.skipped,
            **cast("dict[str, Any]", self.size.speed(seconds)),
            seconds_per_step=seconds,
            training_minutes=self.clock.total / 60,
            memory_gb=_memory_gb(str(args.device)),
        )
        self.losses, self.counted = 0.0, 0


class LogLastCallback(TrainerCallback):
    """Logs the last step too; in every process, for logging averages the loss over them."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.global_step == state.max_steps:
            control.should_log = True


class ClockCallback(TrainerCallback):
    """Seconds spent training, from the end of a step's work and saving to the end of the next."""

    def __init__(self) -> None:
        self.started, self.seconds, self.total = 0.0, 0.0, 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.started = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.started = time.perf_counter()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.started = time.perf_counter()

    def stop(self) -> None:
        """Count a step that is done."""
        seconds = time.perf_counter() - self.started
        self.seconds, self.total = self.seconds + seconds, self.total + seconds

    def take(self) -> float:
        """Return the seconds since this was last called."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


def _number(value: float | None) -> float | None:
    """JSON knows no infinity, and a NaN is not even itself."""
    return value if value is not None and math.isfinite(value) else None


def _memory_gb(device: str) -> float:
    """Peak memory of the GPU, or what this process holds now on the CPU, in GiB."""
    if device.startswith("gpu"):
        return paddle.device.cuda.max_memory_allocated() / 2**30
    return psutil.Process().memory_info().rss / 2**30

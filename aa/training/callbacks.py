"""What happens beside the steps: records, progress, looks at the model."""

import sys
import time

import paddle
import psutil
from paddlenlp.trainer import TrainerCallback
from tqdm import tqdm

from aa.training.trainer import gradient_norm


class RecordCallback(TrainerCallback):
    """Loss, rate, gradient norm, speed and memory, into metrics.jsonl and VisualDL.

    It must be the first callback and its `clock` the last: saving and sampling in between do not
    count as training. Under sharding a process holds only its part of the gradients, so there is no
    gradient norm.

    Args:
        recorder: a `runs.Recorder`.
        parameters: the parameters that train.
        samples_per_step: samples of one optimizer step over all processes.
    """

    def __init__(self, recorder, parameters, samples_per_step):
        self.recorder, self.parameters = recorder, parameters
        self.samples_per_step = samples_per_step
        self.clock = ClockCallback()
        self.grad_norm, self.at = None, 0

    def on_train_begin(self, args, state, control, **kwargs):
        self.at = state.global_step
        self.clock.total = 60 * self.recorder.last.get("training_minutes", 0)

    def on_step_end(self, args, state, control, **kwargs):
        self.clock.stop()

    def on_optimizer_begin(self, args, state, control, scaler=None, **kwargs):
        step = state.global_step + 1
        logged = step % args.logging_steps == 0 or step in (1, state.max_steps)
        if logged and not args.sharding:
            scale = float(scaler._scale) if scaler else 1.0
            self.grad_norm = gradient_norm(self.parameters, scale)

    def on_log(self, args, state, control, logs=None, optimizer=None, **kwargs):
        if "loss" not in logs or state.global_step == self.at:
            return  # the summary at the end of training
        seconds = self.clock.take() / (state.global_step - self.at)
        self.at = state.global_step
        self.recorder.record(
            state.global_step,
            loss=logs["loss"],
            learning_rate=float(logs["learning_rate"]),
            grad_norm=self.grad_norm,
            samples_per_second=self.samples_per_step / seconds,
            seconds_per_step=seconds,
            training_minutes=self.clock.total / 60,
            memory_gb=_memory_gb(args.device),
        )


class LogLastCallback(TrainerCallback):
    """Logs the last step too; in every process, for logging averages the loss over them."""

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == state.max_steps:
            control.should_log = True


class ClockCallback(TrainerCallback):
    """Seconds spent training, from the end of a step's callbacks to the end of the next step."""

    def __init__(self):
        self.started, self.seconds, self.total = 0.0, 0.0, 0.0

    def on_train_begin(self, args, state, control, **kwargs):
        self.started = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        self.started = time.perf_counter()

    def stop(self):
        """A step is done."""
        seconds = time.perf_counter() - self.started
        self.seconds, self.total = self.seconds + seconds, self.total + seconds

    def take(self):
        """The seconds since this was last asked."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


def _memory_gb(device):
    """Peak memory of the GPU, or what this process holds now on the CPU, in GiB."""
    if device.startswith("gpu"):
        return paddle.device.cuda.max_memory_allocated() / 2**30
    return psutil.Process().memory_info().rss / 2**30


class ProgressBarCallback(TrainerCallback):
    """A bar with rate, time left and the last loss."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc="training",
            unit="step",
            file=sys.stdout,
        )

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.4f}")

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()


class InspectCallback(TrainerCallback):
    """Looks at the model every so often, in evaluation mode.

    All draws have generators of their own and the model goes back to training mode, so training
    continues as if nothing had happened.

    Args:
        inspect: function step -> None that writes and records what it sees.
        model: the `AnimateAnyone`.
        every: how often, in steps.
        ema: an `EmaCallback` whose average is shown, as checkpoints hold it, or None.
    """

    def __init__(self, inspect, model, every, ema=None):
        self.inspect, self.model, self.every, self.ema = inspect, model, every, ema

    def on_step_end(self, args, state, control, **kwargs):
        if state.is_world_process_zero and state.global_step % self.every == 0:
            self.model.eval()
            if self.ema:
                self.ema.swap()
            try:
                self.inspect(state.global_step)
            finally:
                if self.ema:
                    self.ema.swap()
            self.model.train()

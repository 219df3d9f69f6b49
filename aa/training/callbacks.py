"""What happens beside the steps: records, progress, checkpoints, samples."""

import logging
import os
import shutil
import sys
import time

import paddle
import psutil
from paddlenlp.trainer import TrainerCallback
from tqdm import tqdm

from aa.training.state import save_state, state_folder
from aa.training.trainer import gradient_norm
from aa.weights.folders import list_checkpoints
from aa.weights.loading import canonical_parameters
from aa.weights.models import component_layers, save_weights

log = logging.getLogger(__name__)


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


class EmaCallback(TrainerCallback):
    """Moving average of the trained weights (arXiv 1806.04498), which checkpoints then hold.

    Args:
        parameters: the parameters that train.
        decay: share of the average that stays at every step.
    """

    def __init__(self, parameters, decay):
        self.parameters, self.decay = parameters, decay
        self.average = [p.detach().clone() for p in parameters]

    def on_step_end(self, args, state, control, **kwargs):
        with paddle.no_grad():
            for average, parameter in zip(self.average, self.parameters, strict=True):
                # a sixth of the time of `lerp_` on a CPU
                average.add_((parameter - average).scale_(1 - self.decay))

    def swap(self):
        """Exchange the weights with their average; call twice to leave all as it was."""
        with paddle.no_grad():
            for average, parameter in zip(self.average, self.parameters, strict=True):
                kept = parameter.detach().clone()
                parameter.set_value(average)
                average.set_value(kept)


class CheckpointCallback(TrainerCallback):
    """Weights in the inference layout, every `save_steps` and at the end.

    A folder appears under its name only when it is whole; components that did not change are
    linked to the checkpoint before.

    Args:
        model: the `AnimateAnyone`.
        parameters: {name: parameter} of those that train.
        folder: the run's `checkpoints/`.
        save_steps, save_total_limit: how often, and how many to keep.
        ema: an `EmaCallback` whose average is saved in the weights' place, or None.
        gather: function that makes the weights whole in every process before the first saves
            them, or None where they are.
    """

    def __init__(
        self, model, parameters, folder, *, save_steps, save_total_limit, ema=None, gather=None
    ):
        self.model, self.parameters, self.folder = model, parameters, folder
        self.ema, self.gather = ema, gather
        self.save_steps, self.limit, self.last = save_steps, save_total_limit, None
        self.frozen = [
            name
            for name, layer in component_layers(model).items()
            if all(p.stop_gradient for p, _ in canonical_parameters(name, layer).values())
        ]

    def on_step_end(self, args, state, control, optimizer=None, lr_scheduler=None, **kwargs):
        step = state.global_step
        if step % self.save_steps and step != state.max_steps:
            return
        if self.gather:
            self.gather()
        if state.is_world_process_zero:
            # Sharded, this process has only its part of the optimizer: such a run cannot go on.
            training = None if args.sharding else (optimizer, lr_scheduler, state)
            self.save(step, training)

    def save(self, step, training):
        """Write `step-N`, then delete what is more than the limit.

        Args:
            step: N.
            training: optimizer, lr_scheduler and trainer state to go on from, or None.
        """
        linked = {n: self.last / f"{n}.safetensors" for n in self.frozen} if self.last else {}
        target = self.folder / f"step-{step:06d}"
        partial = target.with_name(f".{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        if self.ema:
            self.ema.swap()
        try:
            save_weights(self.model, partial, linked=linked)
        finally:
            if self.ema:
                self.ema.swap()
        if training:
            optimizer, lr_scheduler, state = training
            save_state(
                state_folder(partial),
                self.parameters,
                optimizer=optimizer,
                lr_scheduler=lr_scheduler,
                trainer_state=state,
                ema=self.ema,
            )
        os.replace(partial, target)
        self.last = target
        log.info("saved %s", target)
        for old in list_checkpoints(self.folder.parent)[: -self.limit]:
            shutil.rmtree(old)


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

"""What of a training stays: a moving average of the weights, and checkpoints."""

import logging
import os
import shutil

import paddle
from paddlenlp.trainer import TrainerCallback

from aa.training.state import save_state, state_folder
from aa.weights.folders import list_checkpoints
from aa.weights.loading import canonical_parameters
from aa.weights.models import component_layers, save_weights

log = logging.getLogger(__name__)


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

"""What happens beside the steps: progress, looks at the model."""

import sys

from paddlenlp.trainer import TrainerCallback
from tqdm import tqdm


class ProgressBarCallback(TrainerCallback):
    """A bar with rate, time left and the last loss."""

    def __init__(self):
        self.bar = None

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
        if "loss" in logs:  # of the process, since the last of these lines
            self.bar.set_postfix(loss=f"{logs['loss']:.4f}")

    def close(self):
        """End its line, whatever has ended the training."""
        if self.bar is not None:
            self.bar.close()


def is_due(state, every):
    """Whether a step is one of those every so often, or the last."""
    return state.global_step % every == 0 or state.global_step == state.max_steps


class InspectCallback(TrainerCallback):
    """Looks at the model every so often, in evaluation mode.

    All draws have generators of their own and the model goes back to training mode, so training
    continues as if nothing had happened.

    Args:
        inspect: function step -> None that writes and records what it sees.
        model: the `AnimateAnyone`.
        every: how often, in steps.
        ema: an `EmaCallback` whose average is shown, as checkpoints hold it, or None.
        at_end: whether also at the last step.
    """

    def __init__(self, inspect, model, every, ema=None, *, at_end=False):
        self.inspect, self.model, self.every, self.ema = inspect, model, every, ema
        self.at_end = at_end

    def on_step_end(self, args, state, control, **kwargs):
        due = is_due(state, self.every) if self.at_end else state.global_step % self.every == 0
        if state.is_world_process_zero and due:
            self.model.eval()
            if self.ema:
                self.ema.swap()
            try:
                self.inspect(state.global_step)
            finally:
                if self.ema:
                    self.ema.swap()
            self.model.train()

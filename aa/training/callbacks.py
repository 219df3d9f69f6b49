"""Callbacks beside the steps: progress, looks at the model."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from paddlenlp.trainer import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from tqdm import tqdm

from aa.processes import wait_for_others

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone
    from aa.training.requested import Requested
    from aa.training.steps import AgreeCallback
    from aa.training.stopping import Stopper

    class Average(Protocol):
        """An `EmaCallback`, whose module imports this one."""

        def swap(self) -> None: ...


log = logging.getLogger(__name__)


class ProgressBarCallback(TrainerCallback):
    """A bar with rate, time left and the last loss."""

    def __init__(self) -> None:
        self.bar = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc="training",
            unit="step",
            file=sys.stdout,
        )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        cast(tqdm, self.bar).update()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Any = None,
        **kwargs: Any,
    ) -> None:
        if "loss" in logs:  # of the process, since the last of these lines
            cast(tqdm, self.bar).set_postfix(loss=f"{logs['loss']:.4f}")

    def close(self) -> None:
        """End its line, whatever has ended the training."""
        if self.bar is not None:
            self.bar.close()


def is_due(state: TrainerState, every: int, *, at_end: bool = True) -> bool:
    """Return whether a step is one of those every so often or, with `at_end`, the last."""
    last = at_end and state.global_step == state.max_steps
    return state.global_step % every == 0 or last


class InspectCallback(TrainerCallback):
    """Looks at the model every so often, in evaluation mode, in the first process.

    All draws have separate generators and the model goes back to training mode, so training
    continues as if nothing had happened. A signal to this process does not wait for a look, which
    may take minutes: one that was omitted or broken off is made up for when training resumes.

    Args:
        name: of what it sees.
        inspect: called with the step, writes and records it.
        every: how often, in steps.
        at_end: whether also at the last step.
        ema: its average is shown, as checkpoints hold it.
        missed: names of the looks that were omitted after the last step, which checkpoints keep.
        requested: it looks after a step when it is asked to, too.
    """

    def __init__(
        self,
        name: str,
        inspect: Callable[[int], None],
        model: AnimateAnyone,
        *,
        every: int,
        at_end: bool,
        ema: Average | None,
        stopper: Stopper,
        missed: list[str],
        requested: Requested,
    ) -> None:
        self.name, self.inspect, self.model, self.ema = name, inspect, model, ema
        self.every, self.at_end = every, at_end
        self.stopper, self.missed, self.requested = stopper, missed, requested

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.name in self.missed:
            self.missed.remove(self.name)
            self._look(state.global_step)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.missed:  # broken off while it was made up for: the weights will have changed
            log.warning("left out after step %d: %s", state.global_step, ", ".join(self.missed))
        self.missed.clear()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        asked = self.name in self.requested.looks
        if asked or is_due(state, self.every, at_end=self.at_end):
            self._look(state.global_step)
            if asked and self.name not in self.missed:
                log.info("%s: done after step %d, as asked", self.name, state.global_step)

    def _look(self, step: int) -> None:
        self.model.eval()
        if self.ema:
            self.ema.swap()
        try:
            if not self.stopper.breaks_off(lambda: self.inspect(step)):
                return
        finally:
            if self.ema:
                self.ema.swap()
            self.model.train()
        self.missed.append(self.name)


class WaitCallback(TrainerCallback):
    """All processes wait for the first one, which alone looks at the model, and agree again.

    Their next sum would not wait so long, see `wait_for_others`. So it is before the first step.

    Args:
        looks: (every, at_end) of the looks.
    """

    def __init__(self, looks: Sequence[tuple[int, bool]], agree: AgreeCallback) -> None:
        self.looks, self.agree = looks, agree

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        wait_for_others()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        due = any(is_due(state, every, at_end=at_end) for every, at_end in self.looks)
        if due or self.agree.requested.waits:
            wait_for_others()
            self.agree.agree()
            control.should_training_stop |= self.agree.stops

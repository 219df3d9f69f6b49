"""The step that every process is in, and the agreement of all of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import paddle
from paddlenlp.trainer import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from aa.errors import UserError
from aa.files import unlinked
from aa.processes import is_rank

if TYPE_CHECKING:
    from aa.training.requested import Requested
    from aa.training.stopping import Stopper


class Step:
    """The optimizer step in hand: the trainer fills it, callbacks read it.

    Attributes:
        loss: of this process' samples, then the mean over all processes.
        samples: numbers of the items of this process.
        grad_norm: L2 norm of all gradients together; None under sharding, where a process holds
            only its part.
        skipped: whether its gradients were thrown away.
    """

    def __init__(self) -> None:
        self.loss, self.samples, self.grad_norm, self.skipped = (
            0.0,
            cast("list[int]", []),
            cast("float | None", None),
            False,
        )

    def clear(self) -> None:
        self.__init__()


class AgreeCallback(TrainerCallback):
    """At the end of a step: the loss of all processes, whether one has to stop, what is requested.

    It must be the first callback. `stops` says whether training stops for a signal.

    Args:
        looks: names of the looks at the model that may be requested.
    """

    def __init__(
        self, step: Step, stopper: Stopper, requested: Requested, looks: Collection[str]
    ) -> None:
        self.step, self.stopper, self.stops = step, stopper, False
        self.requested, self.looks = requested, looks

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.step.clear()
        self.requested.clear()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.requested.read(state.global_step, self.looks)
        self.step.loss = self.agree()
        control.should_training_stop |= self.stops

    def agree(self) -> float:
        """Set `stops`, when all processes have come here; return the mean of their losses."""
        self.stops = self.stopper.signal is not None
        if not is_rank():
            return self.step.loss
        own = [self.step.loss, float(self.stops), *self.requested.flags()]
        total = paddle.to_tensor(own, dtype="float64")
        paddle.distributed.all_reduce(total)
        loss, stops, *requested = cast("list[float]", total.tolist())
        self.stops = stops > 0
        self.requested.agree(requested)
        return loss / paddle.distributed.get_world_size()


class FiniteCallback(TrainerCallback):
    """Checks before every optimizer step that all gradients are finite; those of a NaN are not.

    If not, step, loss, gradient norm and samples go into `nonfinite.jsonl`, and the step is skipped
    or training stops before a weight has changed. Under loss scaling (float16) the scaler does
    this.

    Args:
        parameters: those that train.
        describe: from the number of an item to its clip, as text.
        file: `nonfinite.jsonl`.
        skip: throw the step's gradients away and continue.
    """

    def __init__(
        self,
        step: Step,
        parameters: list[paddle.Tensor],
        *,
        describe: Callable[[int], str],
        file: Path,
        skip: bool,
    ) -> None:
        self.step, self.parameters, self.describe = step, parameters, describe
        self.file, self.skip = file, skip

    def on_optimizer_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        scaler: Any = None,
        optimizer: Any = None,
        **kwargs: Any,
    ) -> None:
        norm = gradient_norm(self.parameters, float(scaler._scale) if scaler else 1.0)
        finite = math.isfinite(norm)  # the same in all processes, which a loss is not
        if args.sharding:
            finite = not any_process(not finite)
        else:
            self.step.grad_norm = norm
        if finite or scaler:
            return
        number = state.global_step + 1
        line = cast("dict[str, Any]", {"step": number, "loss": self.step.loss, "grad_norm": norm})
        line["samples"] = [{"item": k, "clip": self.describe(k)} for k in self.step.samples]
        with open(self.file, "a", opener=unlinked) as file:  # every process adds its own samples
            file.write(json.dumps(line) + "\n")
        if not self.skip:
            raise UserError(
                f"the loss is {self.step.loss} and the gradient norm {norm} at step {number}; "
                f"its samples are in {self.file}. Lower stage.learning_rate or raise "
                "stage.warmup_steps (with stage.lr_scheduler=constant_with_warmup), look at the "
                "clips, or leave such steps out with stage.skip_nonfinite=true. The last "
                "checkpoint is as it was."
            )
        optimizer.clear_grad(set_to_zero=False)
        self.step.skipped = True


def gradient_norm(parameters: Iterable[paddle.Tensor], scale: float = 1.0) -> float:
    """L2 norm of all gradients together, divided by the loss scale."""
    flat = [p.grad.astype("float32").flatten() for p in parameters if p.grad is not None]
    squares = [paddle.dot(g, g) for g in flat]  # a tenth of the time of a power on a CPU
    return math.sqrt(float(paddle.stack(squares).sum())) / scale if squares else 0.0


def any_process(flag: bool) -> bool:
    """Return whether one process of the group says so, when all of them have come here."""
    if not is_rank():
        return flag
    count = paddle.to_tensor(float(flag))
    paddle.distributed.all_reduce(count)
    return float(count) > 0

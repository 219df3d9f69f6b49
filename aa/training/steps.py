"""What every process knows of the step it is in, and what all of them agree on."""

import json
import math

import paddle
from paddlenlp.trainer import TrainerCallback

from aa.errors import UserError
from aa.files import unlinked
from aa.processes import is_rank


class Step:
    """The optimizer step in hand: the trainer fills it, callbacks read it.

    Attributes:
        loss: of this process' samples, then the mean over all processes.
        samples: numbers of the items of this process.
        grad_norm: L2 norm of all gradients together; None under sharding, where a process holds
            only its part.
        skipped: whether its gradients were thrown away.
    """

    def __init__(self):
        self.loss, self.samples, self.grad_norm, self.skipped = 0.0, [], None, False

    def clear(self):
        self.__init__()


class AgreeCallback(TrainerCallback):
    """At the end of a step: the loss of all processes, and whether one of them has to stop.

    It must be the first callback. `stops` says whether training stops for a signal.

    Args:
        step: the `Step`.
        stopper: a `Stopper`.
    """

    def __init__(self, step, stopper):
        self.step, self.stopper, self.stops = step, stopper, False

    def on_step_begin(self, args, state, control, **kwargs):
        self.step.clear()

    def on_step_end(self, args, state, control, **kwargs):
        self.step.loss = self.agree()
        control.should_training_stop |= self.stops

    def agree(self):
        """Set `stops`, when all processes have come here; the mean of their losses."""
        self.stops = self.stopper.signal is not None
        if not is_rank():
            return self.step.loss
        both = paddle.to_tensor([self.step.loss, float(self.stops)], dtype="float64")
        paddle.distributed.all_reduce(both)
        loss, stops = both.tolist()
        self.stops = stops > 0
        return loss / paddle.distributed.get_world_size()


class FiniteCallback(TrainerCallback):
    """Before every optimizer step: are all gradients numbers? Of no number there is no gradient.

    If not, step, loss, gradient norm and samples go into `nonfinite.jsonl`, and the step is skipped
    or training stops before a weight has changed. Under loss scaling (float16) the scaler does
    this.

    Args:
        step: the `Step`.
        parameters: those that train.
        describe: function from the number of an item to its clip, as text.
        file: path of `nonfinite.jsonl`.
        skip: throw the step's gradients away and go on.
    """

    def __init__(self, step, parameters, *, describe, file, skip):
        self.step, self.parameters, self.describe = step, parameters, describe
        self.file, self.skip = file, skip

    def on_optimizer_begin(self, args, state, control, scaler=None, optimizer=None, **kwargs):
        norm = gradient_norm(self.parameters, float(scaler._scale) if scaler else 1.0)
        finite = math.isfinite(norm)  # the same in all processes, which a loss is not
        if args.sharding:
            finite = not any_process(not finite)
        else:
            self.step.grad_norm = norm
        if finite or scaler:
            return
        number = state.global_step + 1
        line = {"step": number, "loss": self.step.loss, "grad_norm": norm}
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


def gradient_norm(parameters, scale=1.0):
    """L2 norm of all gradients together, divided by the loss scale."""
    flat = [p.grad.astype("float32").flatten() for p in parameters if p.grad is not None]
    squares = [paddle.dot(g, g) for g in flat]  # a tenth of the time of a power on a CPU
    return math.sqrt(float(paddle.stack(squares).sum())) / scale if squares else 0.0


def any_process(flag):
    """Whether one process of the group says so, when all of them have come here."""
    if not is_rank():
        return flag
    count = paddle.to_tensor(float(flag))
    paddle.distributed.all_reduce(count)
    return float(count) > 0

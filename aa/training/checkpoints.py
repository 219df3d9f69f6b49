"""The lasting results of a training: a moving average of the weights, and checkpoints."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import paddle
from paddlenlp.trainer import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from paddlenlp.trainer.trainer_utils import ShardingOption
from safetensors import SafetensorError

from aa.errors import UserError
from aa.processes import wait_for_others
from aa.runs.layout import BEST, list_checkpoints
from aa.runs.sealing import describe, partial_folder, read_manifest, remove, seal
from aa.training.callbacks import is_due
from aa.training.state import collect_optimizer, save_state, state_folder
from aa.training.steps import any_process
from aa.weights.loading import canonical_parameters
from aa.weights.models import component_layers, save_weights

if TYPE_CHECKING:
    import numpy as np

    from aa.models.animate_anyone import AnimateAnyone
    from aa.runs.best import BestCheckpoint
    from aa.runs.kinds import FileEntry
    from aa.training.records import RecordCallback
    from aa.training.requested import Requested

    # Of `collect_optimizer`, of the learning rate and of the trainer.
    Training = tuple[dict[str, np.ndarray], paddle.optimizer.lr.LRScheduler, TrainerState]

log = logging.getLogger(__name__)


class EmaCallback(TrainerCallback):
    """Moving average of the trained weights (arXiv 1806.04498), which checkpoints then hold.

    Args:
        parameters: those that train.
        decay: share of the average that stays at every step.
    """

    def __init__(self, parameters: list[paddle.Tensor], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.average = [p.detach().clone() for p in parameters]

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        with paddle.no_grad():
            for average, parameter in zip(self.average, self.parameters, strict=True):
                # a sixth of the time of `lerp_` on a CPU
                average.add_((parameter - average).scale_(1 - self.decay))

    def swap(self) -> None:
        """Exchange the weights with their average; call twice to leave all as it was."""
        with paddle.no_grad():
            for average, parameter in zip(self.average, self.parameters, strict=True):
                kept = parameter.detach().clone()
                parameter.set_value(average)
                average.set_value(kept)


class CheckpointCallback(TrainerCallback):
    """Weights in the inference layout and what training needs to resume (see `state`).

    Every `save_steps`, at the end, where training stops, of a step that validated best, and when
    requested. A checkpoint is sealed (see `aa.runs.sealing`) after all records of its step are on
    the disk; older ones go when it is in place, but for the one that `best` leads to. Components
    that do not train are linked to those of the checkpoint before.

    Args:
        parameters: {name: parameter} of those that train.
        folder: the run's `checkpoints/`.
        save_steps, save_total_limit: how often, and how many to keep.
        config: hash of the run's settings, for the manifest.
        record: None in a process that does not save.
        last: the sealed checkpoint that training resumes from, or None.
        ema: its average is saved in the weights' place.
        gather: makes the weights whole in every process before the first saves them, or None where
            they are.
        best: its records are made earlier in the step.
        requested: what is asked for after a step; None where nobody can ask.
    """

    def __init__(
        self,
        model: AnimateAnyone,
        parameters: Mapping[str, paddle.Tensor],
        folder: Path,
        *,
        save_steps: int,
        save_total_limit: int,
        config: str,
        record: RecordCallback | None = None,
        last: Path | None = None,
        ema: EmaCallback | None = None,
        gather: Callable[[], Any] | None = None,
        best: BestCheckpoint | None = None,
        requested: Requested | None = None,
    ) -> None:
        self.model, self.parameters, self.folder = model, parameters, folder
        self.config, self.record, self.ema, self.gather = config, record, ema, gather
        self.save_steps, self.limit, self.last = save_steps, save_total_limit, last
        self.best, self.requested, self.scaler = best, requested, None
        self.frozen = [
            name
            for name, layer in component_layers(model).items()
            if all(p.stop_gradient for p, _ in canonical_parameters(name, layer).values())
        ]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.best and self.record:
            self.best.link()

    def on_optimizer_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        scaler: Any = None,
        **kwargs: Any,
    ) -> None:
        self.scaler = scaler

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        due = is_due(state, self.save_steps) or control.should_training_stop
        due = due or bool(self.requested and self.requested.save)
        control.should_save = due or self._is_best(state)

    def _is_best(self, state: TrainerState) -> bool:
        if self.best is None or not is_due(state, self.best.every):
            return False
        return any_process(bool(self.record) and self.best.is_new(state.global_step))

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        optimizer: Any = None,
        lr_scheduler: Any = None,
        **kwargs: Any,
    ) -> None:
        if self.gather:
            self.gather()
        training, sharded = None, bool(args.sharding)
        weights_alone = sharded and args.sharding != [ShardingOption.SHARD_OP]  # stage2 and stage3
        if not weights_alone and (self.record or sharded):
            training = collect_optimizer(optimizer, gather=sharded), lr_scheduler, state
        if self.record:
            self.save(state.global_step, training)
        wait_for_others()  # a large one takes longer than a sum may

    def save(self, step: int, training: Training | None) -> None:
        """Write `step-N`, then delete what is more than the limit.

        Args:
            step: N.
            training: `collect_optimizer`, lr_scheduler and trainer state to resume from, or None.

        Raises:
            UserError: the disk is full or cannot be written. The last checkpoint is as it was.
        """
        target = self.folder / f"step-{step:06d}"
        partial = partial_folder(target)
        try:
            cast("RecordCallback", self.record).recorder.flush()
            read = {}
            with ThreadPoolExecutor() as pool:  # hashed and flushed while the next is written
                known = self._write(
                    partial,
                    training,
                    lambda path: read.update({path: pool.submit(describe, path)}),
                )
            known |= {p.relative_to(partial).as_posix(): e.result() for p, e in read.items()}
            seal(partial, target, known=known, step=step, config=self.config)
            if self.best:
                self.best.link()
        except (OSError, SafetensorError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            kept = f"{self.last} is as it was" if self.last else "there is none before it"
            raise UserError(
                f"{target}: the checkpoint cannot be written ({error}); {kept}. Make room on "
                "the disk."
            ) from error
        self.last = target
        log.info("saved %s", target)
        cast("RecordCallback", self.record).recorder.wrote("checkpoint", target, step)
        self._rotate()

    def _rotate(self) -> None:
        best = (self.folder / BEST).resolve()
        for old in list_checkpoints(self.folder.parent)[: -self.limit]:
            if old.resolve() != best:
                remove(old)

    def _write(
        self, partial: Path, training: Training | None, written: Callable[[Path], object]
    ) -> dict[str, FileEntry]:
        """Fill the folder; `written` is called with its large files, each when it is finished.

        Returns:
            the manifest entries of what is linked.
        """
        linked, known = {}, {}
        with suppress(OSError, UserError, KeyError):  # somebody has taken it away
            before = read_manifest(self.last)["files"] if self.last else {}
            known = {f"{n}.safetensors": before[f"{n}.safetensors"] for n in self.frozen if before}
            linked = {
                name.removesuffix(".safetensors"): cast(Path, self.last) / name for name in known
            }
        if training:
            optimizer, lr_scheduler, state = training
            arrays = save_state(
                state_folder(partial),
                self.parameters,
                optimizer=optimizer,
                lr_scheduler=lr_scheduler,
                trainer_state=state,
                averaged=self.ema is not None,
                scaler=self.scaler,
                records=cast("RecordCallback", self.record).state(),
            )
            written(arrays)
        if self.ema:
            self.ema.swap()
        try:
            save_weights(self.model, partial, linked=linked, written=written)
        finally:
            if self.ema:
                self.ema.swap()
        return known

"""The trainer: paddlenlp's, told to take samples in order and only what trains."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from paddlenlp.trainer import (
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainingArguments,
)
from paddlenlp.utils.batch_sampler import DistributedBatchSampler

from aa.data.loader import ClipLoader
from aa.data.reporting import ReportingDataset, collate_in_loader, raise_trouble
from aa.training.state import load_optimizer

if TYPE_CHECKING:
    import paddle
    from paddle import nn
    from paddlenlp.trainer.trainer_utils import TrainOutput

    from aa.config.hardware import HardwareConfig
    from aa.config.stage import StageConfig
    from aa.data.clips import ClipDataset
    from aa.data.manifest import Clip
    from aa.models.animate_anyone import AnimateAnyone
    from aa.training.session import Session

log = logging.getLogger(__name__)


def training_arguments(
    stage: StageConfig,
    hardware: HardwareConfig,
    *,
    seed: int,
    num_workers: int,
    output_dir: str | Path,
) -> TrainingArguments:
    """paddlenlp's TrainingArguments for a stage on a machine."""
    sharding = hardware.sharding
    level = "" if sharding.level == "none" else sharding.level
    return TrainingArguments(
        output_dir=str(output_dir),
        max_steps=stage.max_steps,
        per_device_train_batch_size=stage.per_device_batch_size,
        gradient_accumulation_steps=stage.gradient_accumulation_steps,
        learning_rate=stage.learning_rate,
        weight_decay=stage.weight_decay,
        max_grad_norm=stage.max_grad_norm,
        lr_scheduler_type=stage.lr_scheduler,
        warmup_steps=stage.warmup_steps,
        logging_steps=stage.log_steps,
        logging_first_step=True,
        # Checkpoints are ours: see checkpoints.CheckpointCallback.
        save_strategy="no",  # pyright: ignore[reportArgumentType]
        seed=seed,
        dataloader_num_workers=num_workers,
        dataloader_drop_last=False,
        fp16=hardware.precision == "float16",
        bf16=hardware.precision == "bfloat16",
        # O1 keeps float32 weights, which is what trains and what checkpoints hold; O2 would round
        # them, and the frozen networks, before training starts.
        fp16_opt_level="O1",
        sharding=f"{level} offload".strip() if sharding.offload and level else level,
        device=hardware.device,
        report_to=[],
        disable_tqdm=True,
        skip_memory_metrics=True,
        skip_profile_timer=True,
    )


class AnimateAnyoneTrainer(Trainer):
    """Trainer whose samples come in the order of the dataset, which has shuffled already.

    Attributes:
        network: the model, however it is wrapped.
        parameters: {name: parameter} of those that train.
        bad_clips: {clip that could not be read while training, and was omitted: reason}.

    Args:
        model: its trainable parameters are chosen.
        session: whose step is filled.
        args, train_dataset: as paddlenlp's Trainer.
    """

    def __init__(
        self,
        *,
        model: AnimateAnyone,
        args: TrainingArguments,
        train_dataset: ClipDataset,
        session: Session,
    ) -> None:
        super().__init__(
            model=model,
            args=args,
            train_dataset=ReportingDataset(train_dataset),  # pyright: ignore[reportArgumentType]
            data_collator=collate_in_loader,
        )
        self.network, self.dataset = model, train_dataset
        self.session, self.step = session, session.step
        self.parameters = {n: p for n, p in model.named_parameters() if not p.stop_gradient}
        self.bad_clips: dict[str, str] = {}
        self._loader: ClipLoader | None = None
        self.set_optimizer_grouped_parameters(list(self.parameters.values()))
        for unwanted in (PrinterCallback, ProgressCallback):
            self.pop_callback(unwanted)

    def train(self) -> TrainOutput:
        """Train to the end of the stage; prints where checkpoints and records are.

        Raises:
            Interrupted: a signal came; the step it came in is saved.
            UserError: it stopped before its end; the message says where to resume.
        """
        with self.session.running(self):
            result = super().train(resume_from_checkpoint=self.session.state)
        self.session.end(self)
        return result

    def clip(self, number: int) -> Clip:
        """The clip that an item is of."""
        return self.dataset.clip(number)

    def gather(self) -> None:
        """Sharding stage 3 keeps slices of the weights: collect them, in all processes at once."""
        self.model_wrapped.get_all_parameters(convert2cpu=True)

    def _load_from_checkpoint(self, resume_from_checkpoint: Any = None) -> None:
        """The run has loaded the parameters already."""

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            scaler = self.scaler if self.do_grad_scaling else None
            load_optimizer(
                Path(checkpoint),
                self.parameters,
                cast(Any, self.optimizer),
                self.lr_scheduler,
                scaler,
            )

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """No checkpoint of ours has one: items are drawn from the seed. It would be unpickled."""

    def get_train_dataloader(self) -> ClipLoader:
        self._loader = ClipLoader(
            self.train_dataset,
            batch_sampler=self._get_train_sampler(),
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )
        return self._loader

    def readers_trouble(self) -> str | None:
        """Say why a process that reads clips has ended while training, and what to do, or None."""
        return cast("str | None", self._loader and self._loader.trouble())

    def _get_train_sampler(self) -> DistributedBatchSampler:
        # paddlenlp's own: it resumes behind the samples of a stopped run without reading them.
        return DistributedBatchSampler(
            self.train_dataset,
            batch_size=self.args.per_device_train_batch_size,
            num_replicas=self.args.dataset_world_size,
            rank=self.args.dataset_rank,
            shuffle=False,
            drop_last=False,
        )

    def training_step(
        self, model: nn.Layer, inputs: dict[str, Any], step_control: int = 0
    ) -> paddle.Tensor:
        loss = super().training_step(model, inputs, step_control)
        self.step.loss += float(loss)
        return loss

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Take what `ReportingDataset` reports out of a batch."""
        raise_trouble(inputs)
        self.step.samples += inputs.pop("number").tolist()
        for video, reason in json.loads(inputs.pop("bad_clips", "{}")).items():
            if video not in self.bad_clips:
                log.warning("left out %s: %s", video, reason)
                self.bad_clips[video] = reason
        return super()._prepare_inputs(inputs)

    def _check_loss_valid(self, loss: paddle.Tensor) -> None:
        """`FiniteCallback` does, when the gradients are there too."""

    def _save_checkpoint(self, model: nn.Layer, metrics: Any = None) -> None:
        """`CheckpointCallback` does, when this step has been logged."""

"""The trainer: paddlenlp's, told to take samples in order and only what trains."""

import math

import numpy as np
from paddle.io import DistributedBatchSampler
from paddlenlp.trainer import PrinterCallback, ProgressCallback, Trainer, TrainingArguments


def training_arguments(stage, hardware, *, seed, num_workers, output_dir):
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
        save_strategy="no",  # checkpoints are ours: see callbacks.CheckpointCallback
        seed=seed,
        dataloader_num_workers=num_workers,
        dataloader_drop_last=False,
        fp16=hardware.precision == "float16",
        bf16=hardware.precision == "bfloat16",
        fp16_opt_level="O2" if hardware.precision == "float16" else "O1",
        sharding=f"{level} offload".strip() if sharding.offload and level else level,
        device=hardware.device,
        report_to=[],
        disable_tqdm=True,
        skip_memory_metrics=True,
        skip_profile_timer=True,
    )


def collate(items):
    """Items of `ClipDataset` as one batch of arrays."""
    return {key: np.stack([item[key] for item in items]) for key in items[0]}


class AnimateAnyoneTrainer(Trainer):
    """Trainer whose samples come in the order of the dataset, which has shuffled already.

    Args:
        parameters: the parameters that train.
        others: as paddlenlp's Trainer.
    """

    def __init__(self, *, model, args, train_dataset, parameters, callbacks):
        super().__init__(
            model=model,
            args=args,
            train_dataset=train_dataset,
            data_collator=collate,
            callbacks=callbacks,
        )
        self.set_optimizer_grouped_parameters(parameters)
        for unwanted in (PrinterCallback, ProgressCallback):
            self.pop_callback(unwanted)

    def _get_train_sampler(self):
        return DistributedBatchSampler(
            self.train_dataset,
            batch_size=self.args.per_device_train_batch_size,
            num_replicas=self.args.dataset_world_size,
            rank=self.args.dataset_rank,
            shuffle=False,
            drop_last=False,
        )


def gradient_norm(parameters, scale=1.0):
    """L2 norm of all gradients together, divided by the loss scale."""
    squares = [
        float((p.grad.astype("float32") ** 2).sum()) for p in parameters if p.grad is not None
    ]
    return math.sqrt(sum(squares)) / scale

"""The published training command, as overrides of ours."""

from types import SimpleNamespace

from aa.training import trainer

COMMAND = ["stage=1", "hardware=v100", "hardware.devices=4", "hardware/sharding=stage1"]
PUBLISHED = {
    "max_steps": 30000,
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "learning_rate": 1e-5,
    "weight_decay": 1e-2,
    "lr_scheduler_type": "constant",
    "warmup_steps": 1,
    "seed": 42,
    "fp16": True,
    "sharding": "stage1",
}


def test_our_command_trains_with_the_published_settings(compose, monkeypatch):
    monkeypatch.setattr(trainer, "TrainingArguments", SimpleNamespace)
    config = compose("train", ["data=puppets", *COMMAND])
    ours = trainer.training_arguments(
        config.stage, config.hardware, seed=config.seed, num_workers=2, output_dir="run"
    )
    assert {key: getattr(ours, key) for key in PUBLISHED} == PUBLISHED


def test_offload_is_said_beside_the_level(compose, monkeypatch):
    monkeypatch.setattr(trainer, "TrainingArguments", SimpleNamespace)
    overrides = ["hardware/sharding=stage2", "hardware.sharding.offload=true"]
    config = compose("train", ["data=puppets", *COMMAND[:3], *overrides])
    ours = trainer.training_arguments(
        config.stage, config.hardware, seed=config.seed, num_workers=2, output_dir="run"
    )
    assert ours.sharding == "stage2 offload"

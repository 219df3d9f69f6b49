"""A training of adapters: what it writes, and that it resumes exactly."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from aa.build.training import build_trainer
from aa.errors import UserError
from aa.runs.layout import list_checkpoints
from aa.weights.tables import LORA
from tests.conftest import TINY_MODEL

STEPS = ["stage.max_steps=4", "stage.save_steps=2", "stage.log_steps=1", "stage.ema_decay=0.5"]
STEPS += ["stage.num_frames=4", "stage.learning_rate=1e-2", "stage.warmup_steps=1"]


@pytest.fixture(scope="module")
def base(trained):
    return trained("stage=2", "stage.init_from=null", "stage.num_frames=4")


@pytest.fixture(scope="module")
def options(base):
    return ["stage=lora", f"stage.init_from={base}", "stage.lora_rank=2", *STEPS]


@pytest.fixture(scope="module")
def whole(trained, options):
    """A training of adapters that nobody stopped. Read only."""
    return trained(*options)


def stopped(whole, folder):
    """A copy of it as it was after two steps."""
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "checkpoints" / "step-000004")
    (folder / "summary.json").unlink()
    return folder


def test_only_the_adapters_have_changed(whole, base):
    checkpoint, start = list_checkpoints(whole)[-1], list_checkpoints(base)[-1]
    for file in start.glob("*.safetensors"):
        for key, array in load_file(file).items():
            np.testing.assert_array_equal(load_file(checkpoint / file.name)[key], array)
    ups = [v for k, v in load_file(checkpoint / LORA).items() if ".to_v.lora_B." in k]
    assert all(np.abs(up).max() > 0 for up in ups)


def test_later_checkpoints_share_the_weights_on_disk(whole):
    first, last = list_checkpoints(whole)
    assert first.joinpath("denoising_unet.safetensors").samefile(
        last / "denoising_unet.safetensors"
    )
    assert not first.joinpath(LORA).samefile(last / LORA)


def test_a_resumed_run_ends_with_the_same_adapters_to_the_bit(
    whole, options, compose, puppets, tmp_path
):
    folder = stopped(whole, tmp_path / "resumed")
    again = [*TINY_MODEL, *puppets, "hardware=cpu", *options, f"resume={folder}"]
    build_trainer(compose("train", again), folder).train()
    found = load_file(list_checkpoints(folder)[-1] / LORA)
    for key, array in load_file(list_checkpoints(whole)[-1] / LORA).items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)


def test_a_run_of_another_rank_does_not_go_on(whole, options, compose, puppets, tmp_path):
    folder = stopped(whole, tmp_path / "resumed")
    again = [*TINY_MODEL, *puppets, "hardware=cpu", *options, f"resume={folder}"]
    config = compose("train", [*again, "stage.lora_rank=4"])
    with pytest.raises(UserError, match=r"adapters of rank 2, this training's have 4"):
        build_trainer(config, folder)


def test_a_stage_can_start_from_merged_adapters(whole, train):
    folder = train("next", "stage=2", f"stage.init_from={whole}", "stage.num_frames=4")
    from aa.weights.models import load_model

    start, found = load_model(whole), load_model(folder)
    np.testing.assert_array_equal(
        found.reference_unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.to_q.weight,
        start.reference_unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.to_q.weight,
    )
    assert not (list_checkpoints(folder)[-1] / LORA).exists()

"""Stage 2 starts as published: released first-stage networks, AnimateDiff's motion modules."""

import numpy as np
import pytest

from tests.conftest import TINY_MODEL
from tests.weights.conftest import with_positions
from tests.weights.files import write_torch

SIZES = ["model.block_out_channels=[8,16]", "model.norm_num_groups=4"]  # of `tiny_model_config`
SHORT = ["hardware=cpu", "stage=2", "stage.num_frames=3", "stage.max_steps=1"]


@pytest.fixture
def home(torch_release, copy_of, states):
    """Released weights, and beside them a motion module whose numbers are twice as large."""
    home = copy_of(torch_release)
    twice = {name: 2 * array for name, array in states["motion_module"].items()}
    motion = {f"module.{name}": array for name, array in with_positions(twice).items()}
    write_torch(home / "mm_sd_v15_v2.ckpt", motion)
    return home


@pytest.fixture
def start(compose, puppets, home, tmp_path):
    """Function (overrides) -> the canonical states of what a stage 2 begins with."""
    from aa.build import build_training
    from aa.weights.loading import state_of

    def run(*overrides):
        weights = [f"model.released_weights={home}"]
        weights += [f"model.motion_weights={home}/mm_sd_v15_v2.ckpt"]
        config = compose("train", [*TINY_MODEL, *SIZES, *puppets, *SHORT, *weights, *overrides])
        (tmp_path / "run").mkdir()
        model = build_training(config, tmp_path / "run").model
        parts = {"denoising_unet": model.denoising_unet, "motion_module": model.denoising_unet}
        return {name: state_of(name, layer) for name, layer in parts.items()}

    return run


def assert_equal(found, expected):
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_the_motion_modules_are_animatediffs_and_all_else_is_released(start, states):
    found = start()
    assert_equal(found["denoising_unet"], states["denoising_unet"])
    twice = {name: 2 * array for name, array in states["motion_module"].items()}
    assert_equal(found["motion_module"], twice)


def test_without_others_the_motion_modules_are_those_of_the_start(start, states):
    assert_equal(start("stage.motion_init_from=null")["motion_module"], states["motion_module"])

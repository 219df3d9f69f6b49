"""Stage 2 starts as published: released first-stage networks, AnimateDiff's motion modules."""

import numpy as np
import pytest

from aa.weights.folders import Source, WeightsFolder
from aa.weights.starts import motion_checkpoint
from tests.conftest import TINY_MODEL, tiny_model_config
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
    from aa.build.training import build_trainer
    from aa.weights.loading import state_of

    def run(*overrides):
        weights = [f"model.released_weights={home}"]
        weights += [f"model.motion_weights={home}/mm_sd_v15_v2.ckpt"]
        config = compose("train", [*TINY_MODEL, *SIZES, *puppets, *SHORT, *weights, *overrides])
        (tmp_path / "run").mkdir()
        model = build_trainer(config, tmp_path / "run").model
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


@pytest.mark.parametrize(
    ("layout", "parts", "chosen", "expected"),
    [
        (1, ["motion_module"], "default", "default"),  # released
        (3, [], "default", "default"),  # a run of stage 1
        (3, ["motion_module"], "default", None),  # a run of stage 2 keeps what it has trained
        (3, ["motion_module"], "other", "other"),
        (1, ["motion_module"], None, None),
    ],
)
def test_the_default_replaces_no_motion_modules_that_a_run_has_trained(
    layout, parts, chosen, expected, tmp_path
):
    sources = {name: Source(tmp_path / name) for name in parts}
    start = WeightsFolder(tmp_path, layout, tiny_model_config(), sources)
    assert motion_checkpoint(chosen, default="default", start=start) == expected
    assert motion_checkpoint(chosen, default="default", start=None) == chosen

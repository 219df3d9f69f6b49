"""Motion modules: positions, frames, the zero start."""

import math

import numpy as np
import paddle

from aa.models.motion import MotionModule, sinusoidal_positions
from tests.conftest import fill


def feature_map(frames, seed=0):
    rng = np.random.default_rng(seed)
    return paddle.to_tensor(rng.standard_normal([frames, 8, 2, 3]).astype("float32"))


def test_positions_are_the_published_sines_and_cosines():
    pe = sinusoidal_positions(3, 4).numpy()[0]
    expected = [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)]
    np.testing.assert_allclose(pe[2], expected, atol=1e-6)


def test_a_new_motion_module_changes_nothing():
    x = feature_map(4)
    np.testing.assert_array_equal(MotionModule(8, 2, 8, norm_groups=4)(x, 4).numpy(), x.numpy())


def test_samples_of_a_batch_do_not_see_each_other():
    module = MotionModule(8, 2, 8, norm_groups=4)
    fill(module)
    one, two = feature_map(3), feature_map(3, seed=1)
    together = module(paddle.concat([one, two]), 3)
    np.testing.assert_allclose(together[:3].numpy(), module(one, 3).numpy(), atol=1e-5)


def test_a_place_sees_the_same_place_of_other_frames_only():
    module = MotionModule(8, 2, 8, norm_groups=8)
    fill(module)
    x = feature_map(3)
    x.stop_gradient = False
    block = module.temporal_transformer.transformer_blocks[0]
    tokens = paddle.to_tensor(np.random.default_rng(2).standard_normal([6, 3, 8]).astype("float32"))
    moved = tokens.clone()
    moved[5] = moved[5] + 1  # another place
    np.testing.assert_array_equal(block(tokens)[:5].numpy(), block(moved)[:5].numpy())


def test_the_norm_takes_every_frame_by_itself():
    norm = MotionModule(8, 2, 8, norm_groups=4).temporal_transformer.norm
    x = feature_map(3)
    np.testing.assert_allclose(norm(x)[1:2].numpy(), norm(x[1:2]).numpy(), atol=1e-6)

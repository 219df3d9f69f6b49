"""The reference's own pose as an input: nothing at the start, then seen by all that learns."""

import numpy as np
import paddle
import pytest

from aa.errors import UserError
from aa.inference import Pose2VideoPipeline
from aa.models.animate_anyone import AnimateAnyone
from aa.models.objectives import denoising, few_steps, guidance_in_one_pass
from tests.conftest import tiny_model_config
from tests.inference.test_pipeline import OPTIONS, picture, poses
from tests.models.test_objectives import a_batch, build, normal


def animate(model, pose=None, **options):
    given = {**OPTIONS, "context_frames": 4, **options}
    return Pose2VideoPipeline(model)(picture(), poses(2), reference_pose=pose, **given).videos


def build_posed(seed=0, **options):
    """A model that has it, and whose poses do not drown all else: random numbers make much."""
    model = build(seed, reference_pose=True, **options)
    for parameter in model.pose_guider.conv_out.parameters():
        parameter.set_value(parameter / 1000)
    return model


def without_projection(plain):
    """A model of the same weights whose projection is as it starts."""
    model = build(reference_pose=True)
    model.set_state_dict(plain.state_dict())
    for parameter in model.reference_unet.pose_proj.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    return model


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_a_new_projection_changes_no_video(guidance_scale):
    plain = build()
    found = animate(without_projection(plain), picture(9), guidance_scale=guidance_scale)
    np.testing.assert_array_equal(found, animate(plain, guidance_scale=guidance_scale))


def test_a_new_projection_is_zero_and_all_else_starts_as_without_it():
    states = []
    for given in (False, True):
        paddle.seed(3)
        states.append(AnimateAnyone(tiny_model_config(), reference_pose=given).state_dict())
    plain, more = states
    for name in set(more) - set(plain):
        assert name.startswith("reference_unet.pose_proj.") and not more[name].any()
    assert len(more) == len(plain) + 2
    for name, value in plain.items():
        np.testing.assert_array_equal(more[name].numpy(), value.numpy(), err_msg=name)


@pytest.mark.parametrize("mode", ["windows", "stream"])
def test_a_trained_projection_lets_the_pose_of_the_reference_count(mode):
    model, options = build_posed(), {"mode": mode, "stream_chunk": 1}
    one, other = (animate(model, picture(seed), **options) for seed in (8, 9))
    assert np.abs(one - other).max() > 1e-4


def test_gradients_reach_the_projection_and_through_it_the_pose_guider():
    model = build(reference_pose=True)
    model.train()
    features = model.conditions(
        normal(1, 1, 8, seed=2), normal(1, 4, 2, 2, seed=4), normal(1, 3, 16, 16, seed=5)
    )
    paddle.add_n([(c.key**2).sum() for c in features]).backward()
    for layer in (model.reference_unet.pose_proj, model.pose_guider.conv_in):
        assert float(layer.weight.grad.abs().max()) > 0


def test_a_batch_that_drops_its_references_does_not_see_their_poses(tiny_batch):
    model = build_posed()
    batch = {**tiny_batch(2), "drop_reference": paddle.to_tensor([True, True])}
    losses = [
        float(model(**batch, reference_pose_pixels=normal(2, 3, 16, 16, seed=seed)))
        for seed in (5, 6)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "objective",
    [
        lambda teacher: denoising,
        guidance_in_one_pass,
        lambda teacher: few_steps(teacher, steps=4, teacher_steps=5),
    ],
    ids=["denoising", "guidance", "few steps"],
)
def test_every_objective_gives_it_to_all_that_predicts(objective):
    student, teacher = (build_posed(seed, guidance=True) for seed in (0, 1))
    scale = {"guidance_scale": paddle.to_tensor([2.0, 2.0])}
    learned = [
        objective(teacher)(student, a_batch([10, 900], reference_pose=pose, **scale))
        for pose in (normal(2, 3, 16, 16, seed=seed) for seed in (5, 6))
    ]
    assert np.abs((learned[0].prediction - learned[1].prediction).numpy()).max() > 1e-4
    taught = objective(teacher) is not denoising
    assert (np.abs((learned[0].target - learned[1].target).numpy()).max() > 1e-4) == taught


def test_a_drawing_in_another_resolution_lies_over_the_reference():
    model = build(reference_pose=True)
    small = picture(9, size=8)
    large = small.resize((32, 32), 0)  # every pixel four times
    seen = []
    conditions = model.conditions
    model.conditions = lambda *given: seen.append(given[2:]) or conditions(*given)
    for pose in (small, large):
        animate(model, pose, guidance_scale=1.0)
    (first,), (second,) = seen
    assert first.shape == [1, 3, 16, 16]
    assert np.abs((first - second).numpy()).mean() < 0.1


def test_a_drawing_of_another_shape_is_refused():
    wide = picture(9).resize((32, 16))
    with pytest.raises(UserError, match="is 32 x 16 pixels, the reference 16 x 16; the skeleton"):
        animate(build(reference_pose=True), wide)


def test_a_model_with_the_input_asks_for_it_and_one_without_refuses_it():
    with pytest.raises(UserError, match="these weights are given the pose of the reference too"):
        animate(build(reference_pose=True))
    with pytest.raises(UserError, match=r"reference_pose is for weights that were trained with"):
        animate(build(), picture(9))

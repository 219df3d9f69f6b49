"""The whole model: what trains, recompute, the conditions of a training batch."""

import numpy as np
import paddle
import pytest

from aa.models.running import directly, recomputed
from aa.training.trainable import idle_parameters, set_trainable

STAGE1 = ["denoising_unet.*", "pose_guider.*", "reference_unet.*", "!reference_unet.up_blocks.1.*"]
STAGE2 = ["denoising_unet.*.motion_modules.*"]


def gradients(model, batch):
    model.train()
    model(**batch).backward()
    return {n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    ("patterns", "motion", "frames"), [(STAGE1, False, 1), (STAGE2, True, 3)], ids=["1", "2"]
)
def test_recompute_leaves_loss_and_every_gradient_unchanged(
    tiny_model, tiny_batch, patterns, motion, frames
):
    found = []
    for run_layer in (directly, recomputed):
        model = tiny_model(motion_modules=motion, run_layer=run_layer)
        set_trainable(model, patterns)
        found.append(gradients(model, tiny_batch(frames)))
    plain, again = found
    assert plain.keys() == again.keys()
    rounding = 3e-5 * max(abs(gradient).max() for gradient in plain.values())
    for name, gradient in plain.items():  # some sums are taken in another order
        np.testing.assert_allclose(again[name], gradient, atol=rounding, err_msg=name)


@pytest.mark.parametrize(
    ("patterns", "motion", "frames"), [(STAGE1, False, 1), (STAGE2, True, 3)], ids=["1", "2"]
)
def test_every_parameter_that_trains_gets_a_gradient(
    tiny_model, tiny_batch, patterns, motion, frames
):
    model = tiny_model(motion_modules=motion)
    names = set_trainable(model, patterns)
    assert sorted(gradients(model, tiny_batch(frames))) == names


@pytest.mark.parametrize(
    "pattern", ["reference_unet.*", "pose_guider.*", "*.attn1.to_q.*", "*.attn1.to_v.*"]
)
@pytest.mark.parametrize("run_layer", [directly, recomputed])
def test_a_stage_may_train_any_part_alone(tiny_model, tiny_batch, pattern, run_layer):
    model = tiny_model(motion_modules=False, run_layer=run_layer)
    names = set_trainable(model, [pattern])
    found = gradients(model, tiny_batch(1))
    assert sorted(found) == names
    every = tiny_model(motion_modules=False)
    set_trainable(every, ["*_unet.*", "pose_guider.*"])
    expected = gradients(every, tiny_batch(1))
    rounding = 3e-5 * max(abs(expected[name]).max() for name in names)
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], atol=rounding, err_msg=name)


def test_idle_parameters_change_no_loss(tiny_model, tiny_batch):
    model = tiny_model()
    before = float(model(**tiny_batch(2)))
    parameters = dict(model.named_parameters())
    for name in idle_parameters(model):
        parameters[name].set_value(np.full(parameters[name].shape, 7.0, dtype="float32"))
    assert float(model(**tiny_batch(2))) == before


def test_freezing_other_parts_does_not_change_a_gradient(tiny_model, tiny_batch):
    everything, motion_only = tiny_model(), tiny_model()
    set_trainable(everything, ["*_unet.*", "pose_guider.*"])
    set_trainable(motion_only, STAGE2)
    wanted = gradients(everything, tiny_batch(3))
    for name, gradient in gradients(motion_only, tiny_batch(3)).items():
        np.testing.assert_allclose(gradient, wanted[name], atol=1e-6, err_msg=name)


def test_a_dropped_sample_sees_neither_reference_nor_image_embedding(tiny_model, tiny_batch):
    model, batch = tiny_model(), tiny_batch(1)
    batch["drop_reference"] = paddle.to_tensor([True, True])
    before = float(model(**batch))
    batch["reference_pixels"] = batch["reference_pixels"] * 0
    batch["clip_pixels"] = batch["clip_pixels"] * 0
    assert float(model(**batch)) == pytest.approx(before, abs=1e-7)


def test_dropping_one_sample_leaves_the_other_as_it_was(tiny_model, tiny_batch):
    model, batch = tiny_model(), tiny_batch(1)
    alone = {key: value[:1] for key, value in batch.items()}
    batch["drop_reference"] = paddle.to_tensor([False, True])
    other = {key: value[1:] for key, value in batch.items()}
    mean = (float(model(**alone)) + float(model(**other))) / 2
    assert float(model(**batch)) == pytest.approx(mean, rel=1e-5)


def test_vae_and_image_encoder_never_leave_evaluation_mode(tiny_model):
    model = tiny_model()
    model.train()
    assert model.denoising_unet.training
    assert not model.vae.training
    assert not model.image_encoder.training

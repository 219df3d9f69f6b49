"""What a stage learns: targets worked out by hand, and by the sampler itself."""

from itertools import pairwise

import numpy as np
import paddle
import pytest

from aa.config.model import NoiseScheduleConfig
from aa.inference import Pose2VideoPipeline
from aa.models.animate_anyone import AnimateAnyone
from aa.models.diffusion import Ddim, ddim_step
from aa.models.objectives import (
    Batch,
    denoising,
    few_steps,
    guidance_in_one_pass,
    one_step_target,
    step_grid,
)
from tests.conftest import fill, tiny_model_config
from tests.inference.test_pipeline import picture, poses

KINDS = ["v_prediction", "sample"]


def normal(*shape, seed=0):
    return paddle.to_tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


def build(seed=0, **options):
    model = AnimateAnyone(tiny_model_config(), **options)
    fill(model, seed)
    return model.eval()


def a_batch(timesteps, **conditions):
    seen = {
        "image_embeds": normal(2, 1, 8, seed=2),
        "pose_pixels": normal(2, 3, 3, 16, 16, seed=3),
        "reference_latents": normal(2, 4, 2, 2, seed=4),
        "reference_mask": None,
        **conditions,
    }
    noise = normal(2, 4, 3, 2, 2, seed=1)
    return Batch(normal(2, 4, 3, 2, 2), noise, paddle.to_tensor(timesteps), seen)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_to_given_timesteps_is_the_samplers(kind):
    solver = Ddim(NoiseScheduleConfig(), kind)
    solver.set_timesteps(4)
    alphas, times = solver.scheduler.alphas_cumprod, [999, 749, 499, 249, -1]
    assert solver.timesteps.tolist() == times[:-1]
    latents, prediction = normal(2, 4, 3, 2, 2), normal(2, 4, 3, 2, 2, seed=1)
    for t, end in pairwise(times):
        expected = solver.step(prediction, paddle.to_tensor(t), latents)
        both = (paddle.full([2], x, "int64") for x in (t, end))
        found = ddim_step(latents, prediction, *both, alphas, kind)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_by_the_target_leads_where_it_is_to_lead(kind):
    alphas = Ddim(NoiseScheduleConfig(), kind).scheduler.alphas_cumprod
    latents, after = normal(3, 4, 1, 2, 2), normal(3, 4, 1, 2, 2, seed=1)
    t, end = paddle.to_tensor([999, 499, 249]), paddle.to_tensor([499, 249, -1])
    target = one_step_target(latents, after, t, end, alphas, kind)
    found = ddim_step(latents, target, t, end, alphas, kind)
    np.testing.assert_allclose(found, after, atol=1e-5)


def test_timesteps_fall_to_those_of_trailing_steps():
    start, ends = step_grid(paddle.to_tensor([[0, 249], [250, 999]]), 1000, 4, 5)
    assert start.tolist() == [[249, 249], [499, 999]]
    assert [end.tolist()[0][0] for end in ends] == [199, 149, 99, 49, -1]
    assert [end.tolist()[1][1] for end in ends] == [949, 899, 849, 799, 749]


def test_a_student_that_is_its_teacher_has_nothing_to_learn_of_one_step():
    model = build()
    learned = few_steps(model, steps=2, teacher_steps=1)(model, a_batch([3, 800]))
    np.testing.assert_allclose(learned.prediction, learned.target, atol=1e-4)
    assert learned.timesteps.tolist() == [499, 999]


def test_the_target_of_few_steps_leads_to_where_the_teachers_steps_lead():
    model, teacher, batch = build(), build(1), a_batch([999, 999])
    learned = few_steps(teacher, steps=1, teacher_steps=4)(model, batch)
    solver = Ddim(NoiseScheduleConfig(), "v_prediction")
    solver.set_timesteps(4)
    latents = batch.noise  # all that there is at the last timestep
    for t in solver.timesteps:
        prediction = teacher.predict(latents, t.reshape([1]).expand([2]), **batch.conditions)
        latents = solver.step(prediction, t, latents)
    ends = paddle.full([2], -1, "int64")
    found = ddim_step(
        batch.noise,
        learned.target,
        learned.timesteps,
        ends,
        model.scheduler.alphas_cumprod,
        "v_prediction",
    )
    np.testing.assert_allclose(found, latents, atol=1e-4)


def test_guidance_by_a_scale_of_one_asks_for_the_conditional_half():
    model = build(guidance=True)
    teacher = build()
    scale = paddle.ones([2])
    learned = guidance_in_one_pass(teacher)(model, a_batch([10, 900], guidance_scale=scale))
    plain = denoising(teacher, a_batch([10, 900]))
    np.testing.assert_allclose(learned.target, plain.prediction, atol=1e-5)


def test_the_target_of_guidance_is_what_the_pipeline_computes_in_two_passes():
    teacher, size = build(), {"width": 16, "height": 16, "context_frames": 4, "context_overlap": 1}
    noise = normal(1, 4, 3, 2, 2, seed=1)
    options = {**size, "num_inference_steps": 1, "guidance_scale": 3.0, "latents": noise}
    seen = {}

    class Student:
        """What the objective gives as the target, in the place of a prediction."""

        config, scheduler = teacher.config, teacher.scheduler

        def predict(self, noisy, timesteps, **conditions):
            seen.update(conditions, noisy=noisy)
            return noisy

    pipeline = Pose2VideoPipeline(teacher)
    latents, embeds = [], []
    encode, image = teacher.encode_pixels, teacher.encode_image
    teacher.encode_pixels = lambda *a: latents.append(encode(*a)) or latents[-1]
    teacher.encode_image = lambda *a: embeds.append(image(*a)) or embeds[-1]
    expected = pipeline(picture(), poses(3), **options).videos
    frames = np.stack([np.asarray(p) for p in poses(3)]).transpose(3, 0, 1, 2)[None]
    conditions = {
        "image_embeds": embeds[0],
        "pose_pixels": paddle.to_tensor(frames.astype("float32") / 255),
        "reference_latents": latents[0],
        "reference_mask": None,
        "guidance_scale": paddle.to_tensor([3.0]),
    }
    batch = Batch(paddle.zeros_like(noise), noise, paddle.to_tensor([999]), conditions)
    target = guidance_in_one_pass(teacher)(Student(), batch).target
    clean = -target  # of the velocity at the last timestep
    found = teacher.decode_latents(clean[0].transpose([1, 0, 2, 3])).numpy()
    np.testing.assert_allclose(found.transpose(1, 0, 2, 3)[None], expected, atol=1e-4)


def test_a_new_embedding_changes_nothing_whatever_the_scale():
    plain, guided = build(), build(guidance=True)
    guided.set_state_dict({n: p for n, p in plain.state_dict().items()})
    guided.denoising_unet.guidance_embedding.linear_2.weight.set_value(
        paddle.zeros_like(guided.denoising_unet.guidance_embedding.linear_2.weight)
    )
    options = {"width": 16, "height": 16, "num_inference_steps": 2, "context_frames": 4}
    options |= {"context_overlap": 1}
    first = Pose2VideoPipeline(plain)(picture(), poses(2), guidance_scale=1.0, **options).videos
    for scale in (1.0, 5.0):
        found = Pose2VideoPipeline(guided)(picture(), poses(2), guidance_scale=scale, **options)
        np.testing.assert_array_equal(found.videos, first)


def test_a_model_that_learned_guidance_makes_one_pass_a_step():
    model = build(guidance=True)
    calls = []
    forward = model.denoising_unet.forward
    model.denoising_unet.forward = lambda *a, **k: calls.append(k) or forward(*a, **k)
    options = {"width": 16, "height": 16, "num_inference_steps": 2, "context_frames": 4}
    options |= {"context_overlap": 1}
    Pose2VideoPipeline(model)(picture(), poses(2), guidance_scale=3.0, **options)
    assert [float(call["guidance_scale"]) for call in calls] == [3.0, 3.0]

"""Noise, targets and samplers, by hand."""

from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from aa.config.model import ModelConfig, NoiseScheduleConfig
from aa.models.diffusion import (
    SAMPLERS,
    add_noise,
    build_scheduler,
    clean_latents,
    velocity,
    wiener_gain,
)
from aa.models.losses import min_snr_weight, weighted_mse
from tests.parity import published_classes

# alphas_cumprod of snr = a / (1 - a): 3, 9 and 0
ALPHAS = paddle.to_tensor([0.75, 0.9, 0.0])
EACH = paddle.to_tensor([0, 1, 2])


def test_noise_and_velocity_are_a_rotation_of_latents_and_noise():
    latents, noise = paddle.to_tensor([[2.0]]), paddle.to_tensor([[-1.0]])
    t = paddle.to_tensor([0])
    half = 0.25**0.5
    np.testing.assert_allclose(
        add_noise(latents, noise, t, ALPHAS).numpy(), [[0.75**0.5 * 2 - half]], atol=1e-6
    )
    np.testing.assert_allclose(
        velocity(latents, noise, t, ALPHAS).numpy(), [[-(0.75**0.5) - half * 2]], atol=1e-6
    )


def test_at_the_last_timestep_only_noise_is_left():
    scheduler = build_scheduler(NoiseScheduleConfig())
    latents, noise = paddle.ones([1, 2]), paddle.to_tensor([[3.0, -3.0]])
    t = paddle.to_tensor([999])
    noisy = add_noise(latents, noise, t, scheduler.alphas_cumprod)
    np.testing.assert_allclose(noisy.numpy(), noise.numpy(), atol=1e-6)


def test_sampling_starts_at_the_last_timestep():
    scheduler = build_scheduler(NoiseScheduleConfig())
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == [999, 749, 499, 249]


def test_frames_have_noise_and_weights_of_their_own_timesteps():
    video = paddle.ones([1, 2, 3, 1, 1])
    noisy = add_noise(video, paddle.zeros_like(video), EACH.unsqueeze(0), ALPHAS)
    np.testing.assert_allclose(noisy.numpy()[0, 1, :, 0, 0], [0.75**0.5, 0.9**0.5, 0], atol=1e-6)
    weights = min_snr_weight(EACH.unsqueeze(0), ALPHAS, 5.0)
    error = paddle.to_tensor([1.0, 2.0, 3.0]).reshape([1, 1, 3, 1, 1]).expand([1, 2, 3, 1, 1])
    loss = weighted_mse(error, paddle.zeros_like(error), weights)
    assert float(loss) == pytest.approx((1 * 1 + 4 * 0.5 + 9 * 1) / 3)


def test_the_gain_is_that_of_the_best_linear_guess():
    gain = wiener_gain(EACH, ALPHAS, 0.25).numpy()
    by_hand = [0.75**0.5 * 0.25 / (0.1875 + 0.25), 0.9**0.5 * 0.25 / (0.225 + 0.1), 0]
    np.testing.assert_allclose(gain, by_hand, atol=1e-6)


@pytest.mark.parametrize("kind", ["v_prediction", "sample"])
@pytest.mark.parametrize("steps", [1, 4, 6, 7, 20])
@pytest.mark.parametrize("name", SAMPLERS)
def test_right_predictions_take_every_sampler_along_a_straight_way(name, steps, kind):
    """With the clean latents known, all that changes is how much of the same noise is left."""
    schedule = NoiseScheduleConfig()
    solver = SAMPLERS[name](schedule, kind)
    alphas = build_scheduler(schedule).alphas_cumprod
    solver.set_timesteps(steps)
    clean, noise = paddle.to_tensor([[2.0, -1.0]]), paddle.to_tensor([[0.5, 1.0]])
    latents = noise
    for t in solver.timesteps:
        at = t.reshape([1])
        expected = add_noise(clean, noise, at, alphas)
        np.testing.assert_allclose(latents.numpy(), expected.numpy(), atol=1e-3)
        prediction = clean if kind == "sample" else velocity(clean, noise, at, alphas)
        latents = solver.step(prediction, t, latents)
    np.testing.assert_allclose(latents.numpy(), clean.numpy(), atol=1e-3)


def test_a_velocity_and_noisy_latents_give_the_clean_ones():
    clean, noise = paddle.to_tensor([[2.0]]), paddle.to_tensor([[-1.0]])
    t = paddle.to_tensor([1])
    noisy, v = (f(clean, noise, t, ALPHAS) for f in (add_noise, velocity))
    assert float(clean_latents(noisy, v, t[0], ALPHAS, "v_prediction")) == pytest.approx(
        2, abs=1e-6
    )
    assert clean_latents(noisy, clean, t[0], ALPHAS, "sample") is clean


@pytest.mark.parametrize("steps", [4, 7, 30])
def test_published_sampling_is_the_librarys_step_by_step(steps):
    _, pipeline = published_classes()
    model = SimpleNamespace(config=ModelConfig())
    solver, library = pipeline(model)._solver("ddim"), build_scheduler(NoiseScheduleConfig())
    solver.set_timesteps(steps)
    library.set_timesteps(steps)
    assert solver.timesteps.tolist() == library.timesteps.tolist()
    rng = np.random.default_rng(0)
    latents = expected = paddle.to_tensor(rng.standard_normal([1, 4, 2, 3, 3]).astype("float32"))
    for t in library.timesteps:
        prediction = paddle.to_tensor(rng.standard_normal(latents.shape).astype("float32"))
        latents = solver.step(prediction, t, latents)
        expected = library.step(prediction, t, expected).prev_sample
        np.testing.assert_allclose(latents.numpy(), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(("steps", "same"), [(4, True), (7, False), (30, False)])
def test_ours_is_the_published_sampling_where_steps_divide_the_schedule(steps, same):
    ours, library = (
        SAMPLERS["ddim"](NoiseScheduleConfig(), "v_prediction"),
        build_scheduler(NoiseScheduleConfig()),
    )
    ours.set_timesteps(steps)
    library.set_timesteps(steps)
    latents, prediction = paddle.to_tensor([[0.5, -1.0]]), paddle.to_tensor([[1.0, 0.25]])
    t = library.timesteps[1]
    one = ours.step(prediction, t, latents)
    other = library.step(prediction, t, latents).prev_sample
    assert np.allclose(one.numpy(), other.numpy(), atol=1e-6) == same

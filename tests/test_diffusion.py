"""Noise, target and weights, by hand."""

import numpy as np
import paddle
import pytest

from aa.config import NoiseScheduleConfig
from aa.diffusion import add_noise, build_scheduler, min_snr_weight, velocity, weighted_mse

# alphas_cumprod of snr = a / (1 - a): 3, 9 and 0
ALPHAS = paddle.to_tensor([0.75, 0.9, 0.0])
EACH = paddle.to_tensor([0, 1, 2])


def test_min_snr_weights_of_three_samples_by_hand():
    weights = min_snr_weight(EACH, ALPHAS, 5.0).numpy()
    np.testing.assert_allclose(weights, [4 / 4, 5 / 10, 1 / 1], atol=1e-6)


def test_without_gamma_every_sample_weighs_one():
    np.testing.assert_array_equal(min_snr_weight(EACH, ALPHAS, None).numpy(), [1, 1, 1])


def test_every_sample_gets_its_own_weight_whatever_the_order():
    forward = min_snr_weight(EACH, ALPHAS, 5.0).numpy()
    backward = min_snr_weight(EACH.flip(0), ALPHAS, 5.0).numpy()
    np.testing.assert_array_equal(forward, backward[::-1])


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


def test_the_loss_is_the_mean_of_weighted_sample_means():
    prediction = paddle.to_tensor([[1.0, 3.0], [0.0, 0.0]])
    target = paddle.zeros([2, 2])
    weights = paddle.to_tensor([0.5, 9.0])
    assert float(weighted_mse(prediction, target, weights)) == pytest.approx((5 * 0.5 + 0) / 2)

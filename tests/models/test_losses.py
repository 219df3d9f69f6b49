"""Weights of errors, by hand."""

import numpy as np
import paddle
import pytest

from aa.models.diffusion import add_noise, training_target
from aa.models.losses import min_snr_weight, weighted_mse, with_changes

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


def test_the_loss_is_the_mean_of_weighted_sample_means():
    prediction = paddle.to_tensor([[1.0, 3.0], [0.0, 0.0]])
    target = paddle.zeros([2, 2])
    weights = paddle.to_tensor([0.5, 9.0])
    assert float(weighted_mse(prediction, target, weights)) == pytest.approx((5 * 0.5 + 0) / 2)


def test_weights_for_clean_latents_are_those_of_the_velocity_times_snr_plus_one():
    weights = min_snr_weight(EACH, ALPHAS, 5.0, "sample").numpy()
    np.testing.assert_allclose(weights, [4, 5, 1], atol=1e-5)


def test_the_same_prediction_has_the_same_loss_as_velocity_and_as_clean_latents():
    latents, noise, guess = (paddle.to_tensor([[x], [x + 1.0]]) for x in (2.0, -1.0, 0.5))
    t = paddle.to_tensor([0, 1])
    noisy = add_noise(latents, noise, t, ALPHAS)
    a = ALPHAS[t].unsqueeze(1)
    as_velocity = (a.sqrt() * noisy - guess) / (1 - a).sqrt()
    losses = [
        weighted_mse(
            prediction,
            training_target(latents, noise, t, ALPHAS, kind),
            min_snr_weight(t, ALPHAS, 5.0, kind),
        )
        for kind, prediction in (("sample", guess), ("v_prediction", as_velocity))
    ]
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-5)


def test_an_error_counts_as_often_as_its_place_says():
    prediction, target = paddle.zeros([2, 3, 1, 2, 2]), paddle.ones([2, 3, 1, 2, 2])
    places = paddle.ones([2, 1, 1, 2, 2])
    places[0, 0, 0, 1, 1] = 5.0  # one place of eight counts five times
    found = weighted_mse(prediction, target, paddle.ones([2]), places)
    assert float(found) == pytest.approx(1.5)


def test_a_change_from_frame_to_frame_counts_as_the_frame_that_counts_less():
    error = paddle.to_tensor([0.0, 1.0, 3.0]).reshape([1, 1, 3, 1, 1])
    weights, truth = paddle.to_tensor([[1.0, 0.5, 2.0]]), paddle.zeros([1, 1, 3, 1, 1])
    frames = (0 + 0.5 * 1 + 2 * 9) / 3
    changes = (0.5 * 1**2 + 0.5 * 2**2) / 2
    found = with_changes(error, truth, weights, None, 3.0)
    assert float(found) == pytest.approx(frames + 3 * changes)

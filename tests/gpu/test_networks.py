"""Layers and a training step on a card against the same numbers on the CPU in float32."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from aa.models.attention import multi_head_attention
from aa.models.layers import GroupNorm, LayerNorm
from aa.models.running import recomputed

TOLERANCE = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def cosine(one, other):
    one, other = one.ravel(), other.ravel()
    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other))


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("head", [40, 80, 160])  # of SD1.5's levels
def test_fused_attention_gives_the_numbers_of_the_formula(on_card, precision, head):
    arrays = [random(2, n, 2, head, seed=n) for n in (300, 500, 501)]
    query, key, value = arrays[0], arrays[1], arrays[2][:, :500]
    scores = np.einsum("blhd,bshd->bhls", query, key) / np.sqrt(head)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    expected = np.einsum("bhls,bshd->blhd", shares, value).reshape([2, 300, -1])
    given = [paddle.to_tensor(a.reshape([2, -1, 2 * head]), precision) for a in (query, key, value)]
    found = multi_head_attention(*given, 2).astype("float32").numpy()
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[precision])


def test_a_group_norm_stays_exact_where_the_mean_is_large(on_card):
    x = random(2, 4, 8, 8).astype("float64") + 100
    groups = x.reshape([2, 2, -1])
    expected = (groups - groups.mean(2, keepdims=True)) / groups.std(2, keepdims=True)
    found = GroupNorm(2, 4, epsilon=1e-5)(paddle.to_tensor(x.astype("float32"))).numpy()
    np.testing.assert_allclose(found, expected.reshape(x.shape), atol=3e-3)


def test_a_frozen_norm_passes_the_right_gradient_on(on_card):
    layer = LayerNorm(4)
    layer.weight.set_value(paddle.to_tensor([1.0, 2.0, 3.0, 4.0]))
    found = []
    for frozen in (False, True):
        layer.weight.stop_gradient = frozen
        x = paddle.to_tensor(random(3, 4), stop_gradient=False)
        F.softmax(layer(x))[:, 0].sum().backward()
        found.append(x.grad.numpy())
    np.testing.assert_allclose(*found, atol=1e-6)


@pytest.mark.parametrize(
    ("precision", "loss_within", "least_cosine"),
    [("float32", 1e-4, 0.9999), ("float16", 1e-2, 0.999), ("bfloat16", 5e-2, 0.99)],
)
def test_a_step_has_the_loss_and_gradients_of_the_cpu(
    gradients, precision, loss_within, least_cosine
):
    loss, expected = gradients("cpu")
    its_loss, found = gradients("gpu", precision)
    assert its_loss == pytest.approx(loss, rel=loss_within)
    whole = [np.concatenate([g[n].ravel() for n in expected]) for g in (found, expected)]
    assert cosine(*whole) > least_cosine


def test_recompute_changes_no_gradient(gradients):
    (loss, expected), (its_loss, found) = gradients("gpu"), gradients("gpu", run_layer=recomputed)
    assert its_loss == pytest.approx(loss, rel=1e-6)
    for name, gradient in expected.items():
        scale = np.abs(gradient).max() + 1e-12
        np.testing.assert_allclose(found[name] / scale, gradient / scale, atol=1e-5, err_msg=name)

"""Attention layers against their formulas."""

import numpy as np
import paddle
import pytest

import aa.models.attention as attention
from aa.models.attention import Attention, SpatialTransformerBlock, multi_head_attention
from tests.conftest import fill


def random(*shape, seed=0):
    return paddle.to_tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


def block():
    layer = SpatialTransformerBlock(8, 2, 6)
    fill(layer)
    return layer


def test_attention_equals_the_library_formula():
    query, key, value = random(2, 5, 8), random(2, 7, 8, seed=1), random(2, 7, 8, seed=2)
    split = [x.reshape([2, -1, 2, 4]) for x in (query, key, value)]
    library = paddle.nn.functional.scaled_dot_product_attention(*split).flatten(2)
    ours = multi_head_attention(query, key, value, 2)
    np.testing.assert_allclose(ours.numpy(), library.numpy(), atol=1e-6)


@pytest.mark.parametrize("most", [1, 30, 80])
def test_attention_in_small_pieces_gives_the_same(monkeypatch, most):
    query, key = random(3, 5, 8), random(3, 7, 8, seed=1)
    whole = multi_head_attention(query, key, key, 2)
    monkeypatch.setattr(attention, "MAX_SCORES", most)
    np.testing.assert_allclose(
        multi_head_attention(query, key, key, 2).numpy(), whole.numpy(), atol=1e-6
    )


def test_attending_to_one_token_needs_no_queries():
    layer = Attention(8, 2, 6)
    fill(layer)
    token = random(2, 1, 6)
    full = multi_head_attention(
        layer.to_q(random(2, 5, 8, seed=3)), layer.to_k(token), layer.to_v(token), 2
    )
    full = layer.to_out[0](full)
    np.testing.assert_allclose(
        layer.attend_one(token).expand([2, 5, 8]).numpy(), full.numpy(), atol=1e-6
    )


def test_reference_tokens_are_extra_keys_and_values():
    layer = Attention(8, 2)
    fill(layer)
    x, reference = random(1, 4, 8), random(1, 3, 8, seed=1)
    both = paddle.concat([x, reference], axis=1)
    expected = layer.to_out[0](
        multi_head_attention(layer.to_q(x), layer.to_k(both), layer.to_v(both), 2)
    )
    np.testing.assert_allclose(layer(x, reference).numpy(), expected.numpy(), atol=1e-6)


def test_all_frames_share_one_set_of_reference_tokens():
    layer, reference, token = block(), random(2, 4, 8), random(2, 1, 6)
    x = random(6, 4, 8, seed=1)  # two samples of three frames
    together, _ = layer(x, token, reference)
    first, _ = layer(x[:1], token[:1], reference[:1])
    last, _ = layer(x[5:], token[1:], reference[1:])
    np.testing.assert_allclose(together[:1].numpy(), first.numpy(), atol=1e-6)
    np.testing.assert_allclose(together[5:].numpy(), last.numpy(), atol=1e-6)


def test_a_dropped_reference_is_exactly_no_reference():
    layer, x, token = block(), random(2, 4, 8), random(2, 1, 6)
    keep = paddle.to_tensor([True, False])
    reference = random(2, 4, 8, seed=5)
    mixed, _ = layer(x, token, reference, keep)
    with_reference, _ = layer(x, token, reference)
    without, _ = layer(x, token)
    np.testing.assert_allclose(mixed[0].numpy(), with_reference[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(mixed[1].numpy(), without[1].numpy(), atol=1e-6)


def test_what_a_block_passes_on_is_its_first_norm():
    layer, x = block(), random(2, 4, 8)
    _, feature = layer(x, random(2, 1, 6))
    np.testing.assert_array_equal(feature.numpy(), layer.norm1(x).numpy())

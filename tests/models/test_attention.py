"""Attention layers against their formulas."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

import aa.models.chunked_attention as chunked_attention
from aa.models.attention import (
    Attention,
    Condition,
    SpatialTransformerBlock,
    guidance_pair,
    multi_head_attention,
)
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


@pytest.mark.parametrize("most", [1, 30, 80, 1000])
def test_attention_in_parts_gives_the_numbers_and_gradients_of_the_plain_formula(monkeypatch, most):
    def numbers(attention):
        tensors = [random(6, n, 4, seed=n) for n in (5, 7, 8)]
        query, key, value = tensors[0], tensors[1], tensors[2][:, :7]
        for tensor in (query, key, value):
            tensor.stop_gradient = False
        out = attention(query, key, value)
        (out * random(*out.shape, seed=9)).sum().backward()
        return [t.numpy() for t in (out, query.grad, key.grad, value.grad)]

    monkeypatch.setattr(chunked_attention, "MAX_SCORES", most)
    found = numbers(chunked_attention.ChunkedAttention.apply)
    plain = numbers(lambda q, k, v: F.softmax(q @ k.transpose([0, 2, 1])) @ v)
    for ours, theirs in zip(found, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("frozen", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
@pytest.mark.parametrize("most", [30, 1000])
def test_what_comes_from_frozen_parts_gets_no_gradient_the_rest_the_same(monkeypatch, most, frozen):
    def gradients(frozen):
        tensors = [random(6, n, 4, seed=n + i) for i, n in enumerate((5, 7, 7))]
        for i, tensor in enumerate(tensors):
            tensor.stop_gradient = i in frozen
        chunked_attention.ChunkedAttention.apply(*tensors).square().sum().backward()
        return [tensor.grad for tensor in tensors]

    monkeypatch.setattr(chunked_attention, "MAX_SCORES", most)
    for i, (some, every) in enumerate(zip(gradients(frozen), gradients(()), strict=True)):
        if i in frozen:
            assert some is None
        else:
            np.testing.assert_array_equal(some.numpy(), every.numpy())


def test_attention_of_frozen_parts_alone_has_no_gradient_to_give():
    query, key, value = random(6, 5, 4), random(6, 7, 4), random(6, 7, 4)
    assert chunked_attention.ChunkedAttention.apply(query, key, value).stop_gradient


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
    condition = Condition(random(1, 1, 8), layer.to_k(reference), layer.to_v(reference))
    np.testing.assert_allclose(layer(x, condition).numpy(), expected.numpy(), atol=1e-6)


def test_all_frames_share_one_set_of_reference_tokens():
    layer, reference, token = block(), random(2, 4, 8), random(2, 1, 6)
    x = random(6, 4, 8, seed=1)  # two samples of three frames
    together, _ = layer(x, layer.condition(token, reference))
    first, _ = layer(x[:1], layer.condition(token[:1], reference[:1]))
    last, _ = layer(x[5:], layer.condition(token[1:], reference[1:]))
    np.testing.assert_allclose(together[:1].numpy(), first.numpy(), atol=1e-6)
    np.testing.assert_allclose(together[5:].numpy(), last.numpy(), atol=1e-6)


def test_a_dropped_reference_is_exactly_no_reference():
    layer, x, token = block(), random(2, 4, 8), random(2, 1, 6)
    keep = paddle.to_tensor([True, False])
    reference = random(2, 4, 8, seed=5)
    mixed, _ = layer(x, layer.condition(token, reference), keep)
    with_reference, _ = layer(x, layer.condition(token, reference))
    without, _ = layer(x, layer.condition(token))
    np.testing.assert_allclose(mixed[0].numpy(), with_reference[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(mixed[1].numpy(), without[1].numpy(), atol=1e-6)


def test_a_guidance_pair_is_a_sample_with_and_one_without_reference():
    layer, x, reference, tokens = block(), random(6, 4, 8), random(1, 4, 8), random(2, 1, 6)
    character, nobody = layer.condition(tokens[:1], reference), layer.condition(tokens[1:])
    together, _ = layer(x, guidance_pair([character], [nobody])[0])  # three frames of each
    with_reference, _ = layer(x[:3], character)
    without, _ = layer(x[3:], nobody)
    np.testing.assert_allclose(together[:3].numpy(), with_reference.numpy(), atol=1e-6)
    np.testing.assert_allclose(together[3:].numpy(), without.numpy(), atol=1e-6)


def test_what_a_block_passes_on_is_its_first_norm():
    layer, x = block(), random(2, 4, 8)
    _, feature = layer(x, layer.condition(random(2, 1, 6)))
    np.testing.assert_array_equal(feature.numpy(), layer.norm1(x).numpy())

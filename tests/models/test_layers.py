"""Start values, and LayerNorm's gradient, frozen or not."""

import numpy as np
import paddle

from aa.models.layers import Conv2D, GroupNorm, LayerNorm, Linear


def input_gradient(*, frozen):
    norm = LayerNorm(4)
    norm.weight.set_value(np.array([1.0, 2.0, 3.0, 4.0], dtype="float32"))
    norm.weight.stop_gradient = norm.bias.stop_gradient = frozen
    x = paddle.to_tensor([[0.1, -0.4, 0.3, 0.9]], stop_gradient=False)
    (norm(x) * paddle.to_tensor([1.0, -1.0, 0.5, 2.0])).sum().backward()
    return x.grad.numpy(), norm


def test_a_frozen_weight_still_counts_in_the_input_gradient():
    frozen, _ = input_gradient(frozen=True)
    trained, _ = input_gradient(frozen=False)
    np.testing.assert_allclose(frozen, trained, atol=1e-6)


def test_a_frozen_weight_gets_no_gradient():
    _, norm = input_gradient(frozen=True)
    assert norm.weight.grad is None


def test_layers_start_within_one_over_the_root_of_their_inputs():
    for layer, inputs in ((Linear(25, 50), 25), (Conv2D(4, 20, 5), 100)):
        for parameter in layer.parameters():
            largest = float(parameter.abs().max())
            assert 0.8 * inputs**-0.5 < largest <= inputs**-0.5


def test_a_zero_layer_starts_at_zero():
    for layer in (Linear(3, 4, zero=True), Conv2D(3, 4, 1, zero=True)):
        assert all(float(p.abs().max()) == 0 for p in layer.parameters())


def test_a_group_norm_stays_exact_where_the_mean_is_large():
    x = np.random.default_rng(0).standard_normal([2, 4, 8, 8]) + 100
    groups = x.reshape([2, 2, -1])
    expected = (groups - groups.mean(2, keepdims=True)) / groups.std(2, keepdims=True)
    found = GroupNorm(2, 4, epsilon=1e-5)(paddle.to_tensor(x.astype("float32"))).numpy()
    np.testing.assert_allclose(found, expected.reshape(x.shape), atol=3e-5)


def test_the_gradient_of_a_group_norm_is_that_of_the_library():
    gradients = []
    for layer in (GroupNorm(2, 4), paddle.nn.GroupNorm(2, 4)):
        x = np.random.default_rng(0).standard_normal([2, 4, 3, 3]).astype("float32")
        x = paddle.to_tensor(x, stop_gradient=False)
        (layer(x) ** 3).sum().backward()
        gradients.append(x.grad.numpy())
    np.testing.assert_allclose(*gradients, atol=1e-4)

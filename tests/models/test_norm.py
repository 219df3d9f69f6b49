"""LayerNorm's gradient, frozen or not."""

import numpy as np
import paddle

from aa.models.norm import LayerNorm


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

"""Paddle's operations as ONNX's: the same numbers, or an error that names the operation."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from aa.inference.compiled.onnx_graph import weights_as_inputs
from aa.inference.compiled.translation import TranslationError, translate
from aa.models.attention import GEGLU
from aa.models.openvino_core import core
from aa.models.parts import spec
from aa.models.tracing import trace_program
from tests.conftest import fill


def random(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def both(function, *arrays, layer=None):
    """What Paddle and OpenVINO compute of the same function."""
    weights = dict(layer.named_parameters()) if layer else {}
    specs = [spec(*array.shape, dtype=str(array.dtype)) for array in arrays]
    program = trace_program(function, specs)
    model = translate(program, {tensor.name: name for name, tensor in weights.items()})
    weights_as_inputs(model)
    network = core().read_model(model.SerializeToString())
    settings = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16 where the CPU has it
    compiled = core().compile_model(network, "CPU", settings)
    inputs = dict(enumerate(arrays))
    for name, tensor in weights.items():
        inputs[compiled.input(name)] = tensor.numpy()
    with paddle.no_grad():
        expected = function(*map(paddle.to_tensor, arrays)).numpy()
    return compiled(inputs)[0], expected


FUNCTIONS = {
    "sums, differences, products": lambda x: (x + 1.5) * x - x * 0.25,
    "swish": F.swish,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, approximate=True),
    "sines of a range": lambda x: paddle.concat(
        [(x * paddle.exp(paddle.arange(5, dtype="float32") * -0.3)).sin(), x.cos()], axis=1
    ),
    "softmax": lambda x: F.softmax(x, axis=-1),
    "mean": lambda x: x - x.mean(2, keepdim=True),
    "matmul": lambda x: paddle.matmul(x, x, transpose_y=True),
    "clip": lambda x: x.clip(-0.5, 0.5),
    "halves": lambda x: paddle.multiply(*x.chunk(2, axis=1)),
    "halves of halves": lambda x: paddle.add(*x.chunk(2, axis=1)[0].chunk(2, axis=1)),
    "slice": lambda x: x[:, 1:3],
    "one of a side": lambda x: x[:, 1],
    "other shapes": lambda x: x.unsqueeze(1).expand([-1, 3, -1, -1, -1]).flatten(0, 1),
    "other order": lambda x: x.transpose([0, 2, 3, 1]).reshape([0, -1, 2, 2]),
    "padded at two sides": lambda x: F.pad(x, [0, 1, 0, 2]),
    "sigmoid": F.sigmoid,
    "a side less": lambda x: x.unsqueeze(2).squeeze(2),
    "pixels to channels": lambda x: F.pixel_unshuffle(x[:, :, :4, :4], 2),
    "channels to pixels": lambda x: F.pixel_shuffle(x, 2),
    "resized to an odd size": lambda x: F.interpolate(x, size=[7, 9], mode="nearest"),
    "of a constant": lambda x: x + paddle.to_tensor(np.arange(5, dtype="float32")),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_operation_gives_paddles_numbers(name):
    ours, paddles = both(FUNCTIONS[name], random(2, 4, 5, 5))
    np.testing.assert_allclose(ours, paddles, atol=2e-6)


LAYERS = {
    "convolution": nn.Conv2D(4, 6, 3, stride=2, padding=1),
    "linear": nn.Linear(5, 7),
    "layer norm": nn.LayerNorm(5, epsilon=1e-3),
    "group norm": nn.GroupNorm(2, 4, epsilon=1e-3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_paddles_numbers_with_weights_as_inputs(name):
    layer = LAYERS[name]
    fill(layer)
    small = 0.05 * random(2, 4, 5, 5)  # so that the norms' epsilon counts
    ours, paddles = both(layer, small, layer=layer)
    np.testing.assert_allclose(ours, paddles, atol=2e-6)


def test_the_halves_of_a_linear_layer_are_layers_by_halves_of_its_weight():
    layer = GEGLU(4, 6)
    fill(layer)
    ours, paddles = both(layer, random(2, 3, 4), layer=layer)
    np.testing.assert_allclose(ours, paddles, atol=2e-6)
    program = trace_program(layer, [spec(2, 3, 4)])
    names = {tensor.name: name for name, tensor in layer.named_parameters()}
    divided = [n for n in translate(program, names).graph.node if n.op_type == "Split"]
    assert [node.input[0] for node in divided] == ["proj.weight", "proj.bias"]


class Transposed(nn.Layer):
    """A product with a transposed weight and a bias, in halves."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = self.create_parameter([4, 4]), self.create_parameter([4])

    def forward(self, x):
        halves = (paddle.matmul(x, self.weight, transpose_y=True) + self.bias).chunk(2, axis=-1)
        return paddle.multiply(*halves)


def test_halves_of_a_product_with_a_transposed_weight_are_right_too():
    layer = Transposed()
    fill(layer)
    ours, paddles = both(layer, random(2, 3, 4), layer=layer)
    np.testing.assert_allclose(ours, paddles, atol=2e-6)


def test_an_operation_without_translation_is_named():
    with pytest.raises(TranslationError, match="Paddle's operation cumsum has no translation"):
        both(lambda x: x.cumsum(1), random(2, 3))


def test_weights_are_not_in_the_model():
    layer = nn.Linear(300, 200)
    names = {tensor.name: name for name, tensor in layer.named_parameters()}
    model = translate(trace_program(layer, [spec(1, 300)]), names)
    outside = {t.name: list(t.dims) for t in model.graph.initializer if t.external_data}
    assert outside == {"weight": [300, 200], "bias": [200]}
    assert len(model.SerializeToString()) < 1000

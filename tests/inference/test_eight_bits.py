"""Projections' weights in 8 bits: how they are rounded, where they go, and what is left alone."""

import numpy as np
import onnx
import paddle
import pytest
from paddle import nn

from aa.errors import UserError
from aa.inference import Pose2VideoPipeline
from aa.inference.compiled import openvino_engine
from aa.inference.compiled.eight_bits import quantize, to_eight_bits
from aa.inference.compiled.engines import make_engine
from aa.inference.compiled.graphs import shared_array
from aa.inference.compiled.translation import translate
from aa.models.openvino_core import core
from aa.models.parts import spec
from aa.models.tracing import trace_program


class Layers(nn.Layer):
    """A convolution of one place, a projection of what it gives, and a gate of two halves."""

    def __init__(self):
        super().__init__()
        self.conv, self.proj, self.gate = (
            nn.Conv2D(64, 64, 1),
            nn.Linear(64, 64),
            nn.Linear(64, 128),
        )

    def forward(self, x):
        tokens = self.proj(self.conv(x).flatten(2).transpose([0, 2, 1]))
        value, gate = self.gate(tokens).chunk(2, axis=-1)
        return value * gate


@pytest.fixture
def layers():
    """The layers' graph on [1, 64, 4, 4], their weights, and the layers themselves."""
    paddle.seed(0)
    made = Layers()
    names = {tensor.name: name for name, tensor in made.named_parameters()}
    model = translate(trace_program(made, [spec(1, 64, 4, 4)]), names)
    return model, {name: shared_array(x) for name, x in made.named_parameters()}, made


def outside(model):
    """{name: type} of the weights of a graph, whose data is elsewhere."""
    kinds = onnx.TensorProto.DataType.Name
    return {t.name: kinds(t.data_type) for t in model.graph.initializer if t.external_data}


def test_the_largest_weight_of_a_channel_is_127_and_the_others_are_rounded():
    weight = np.array([[1.27, 0.5], [-0.634, -1.0], [0.006, 0.25]], np.float32)
    numbers, scales = quantize(weight)
    assert numbers.tolist() == [[127, 64], [-63, -127], [1, 32]]
    np.testing.assert_allclose(scales, [0.01, 1 / 127], rtol=1e-6)


def test_no_weight_is_off_by_more_than_half_the_scale_of_its_channel():
    weight = np.random.default_rng(0).standard_normal((64, 32), np.float32)
    weight *= np.logspace(-6, 3, 32, dtype=np.float32)
    numbers, scales = quantize(weight)
    assert (np.abs(numbers * scales - weight) <= 0.5001 * scales).all()


def test_a_channel_of_zeros_stays_zero():
    numbers, scales = quantize(np.zeros((3, 2), np.float32))
    assert not (numbers * scales).any()


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_channel_that_is_not_finite_does_not_become_so(bad):
    numbers, scales = quantize(np.array([[bad, 1], [2, 1]], np.float32))
    assert np.isfinite(numbers * scales).all(0).tolist() == [False, True]


def test_projections_and_their_parts_are_given_in_8_bits_and_convolutions_in_float(layers):
    model, weights, _ = layers
    given, kinds = to_eight_bits(model, weights), outside(model)
    eight = {name.removesuffix("_int8") for name, kind in kinds.items() if kind == "INT8"}
    halves = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    assert len(eight) == 3 and eight == halves and "proj.weight" in eight
    assert kinds["conv.weight"] == kinds["proj.bias"] == "FLOAT" and "gate.weight" not in kinds
    assert given["proj.weight_int8"].dtype == np.int8 and set(kinds) <= set(given)


def test_a_weight_that_something_else_takes_too_stays_in_float(layers):
    model, weights, _ = layers
    model.graph.node.append(onnx.helper.make_node("Identity", ["proj.weight"], ["more"]))
    to_eight_bits(model, weights)
    assert outside(model)["proj.weight"] == "FLOAT"


def test_the_engine_gives_nearly_what_the_layers_give(layers):
    model, weights, made = layers
    x = np.random.default_rng(1).standard_normal((1, 64, 4, 4), np.float32)
    expected = made(paddle.to_tensor(x)).numpy()
    network = make_engine("openvino", weights="int8").load(model.SerializeToString(), weights)
    off = np.abs(network([x])[0] - expected).max() / np.abs(expected).max()
    assert 1e-5 < off < 0.03


def test_openvino_keeps_the_weights_in_8_bits_when_it_runs(layers):
    model, weights, _ = layers
    network = openvino_engine.read_network(model, to_eight_bits(model, weights))
    compiled = core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    info = [operation.get_rt_info() for operation in compiled.get_runtime_model().get_ops()]
    products = [i for i in info if i["layerType"].astype(str) == "FullyConnected"]
    assert [i["runtimePrecision"].astype(str) for i in products] == ["i8"] * 3


def test_openvino_rounds_tokens_in_groups_beside_weights_in_8_bits():
    settings = openvino_engine.OpenVinoEngine(weights="int8").settings
    assert settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] == 64


def test_weights_in_float_are_left_alone(layers, monkeypatch):
    model, weights, _ = layers
    monkeypatch.delattr(openvino_engine, "to_eight_bits")
    engine = openvino_engine.OpenVinoEngine(weights="float")
    assert engine.settings == {"INFERENCE_PRECISION_HINT": "f32"}
    engine.load(model.SerializeToString(), weights)


def test_paddle_refuses_them_before_a_weight_is_read(tmp_path):
    with pytest.raises(UserError, match=r"weights=int8 is for the engine openvino, got .* eager"):
        Pose2VideoPipeline.from_pretrained(tmp_path / "nowhere", weights="int8")


@pytest.mark.parametrize(
    ("engine", "weights", "said"),
    [
        ("onnxruntime", "int8", "weights=int8 is for the engine openvino, got .* onnxruntime"),
        ("openvino", "int4", "weights must be one of float, int8; got 'int4'"),
    ],
)
def test_what_does_not_go_together_is_one_line(engine, weights, said):
    pytest.importorskip(engine)
    with pytest.raises(UserError, match=said):
        make_engine(engine, weights=weights)

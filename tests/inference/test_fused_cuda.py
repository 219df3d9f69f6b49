"""Forms of a graph for CUDA: each computes what the layer it came from does."""

from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import paddle
import pytest
from onnx import TensorProto

from aa.errors import UserError
from aa.export.animation import Animation
from aa.export.folder import part_graph
from aa.export.parts import exported_parts
from aa.inference.compiled.fused import fuse_attention
from aa.inference.compiled.fused_cuda import fuse_for_cuda
from aa.inference.compiled.graphs import shared_weights
from aa.inference.compiled.half import graph_weights, to_half
from aa.inference.compiled.patterns import prune
from aa.inference.compiled.translation import translate
from aa.models.attention import Condition, SpatialTransformer
from aa.models.blocks import ResnetBlock, UNetSizes
from aa.models.motion import MotionModule
from aa.models.parts import spec
from aa.models.tracing import trace_program
from aa.models.unet import timestep_embedding
from tests.inference.microsoft_operations import evaluate

WIDE, SIZES = 320, UNetSizes(8, 16, 64, 32, 8, 4)


class Case:
    """A layer, its graph, and what it gives for random tensors of some shapes."""

    def __init__(self, layer, call, *shapes):
        paddle.seed(0)
        layer.eval()
        for parameter in layer.parameters():
            paddle.assign(0.1 * paddle.randn(parameter.shape), parameter)
        rng = np.random.default_rng(0)
        self.tensors = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        with paddle.no_grad():
            self.expected = call(layer, *map(paddle.to_tensor, self.tensors)).numpy()
        named = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
        self.weights = {name: tensor.numpy() for name, tensor in named.items()}
        program = trace_program(
            lambda *tensors: call(layer, *tensors), [spec(*shape) for shape in shapes]
        )
        self.model = translate(program, {tensor.name: name for name, tensor in named.items()})
        fuse_attention(self.model)

    def found(self):
        return evaluate(self.model, self.weights, self.tensors)[0]

    def kinds(self):
        return Counter(node.op_type for node in self.model.graph.node)


def resnet(width=WIDE):
    layer = ResnetBlock(2 * width, width, SIZES)
    return Case(layer, lambda layer, *x: layer(*x), (2, 2 * width, 2, 3), (2, 64))


def spatial(width=WIDE):
    """Two samples of two frames, one with a reference."""
    layer = SpatialTransformer(width, 8, 16, norm_groups=32)

    def call(layer, x, token, key, value):
        return layer(x, Condition(token, key, value))[0]

    return Case(layer, call, (4, width, 2, 3), (2, 1, width), (1, 6, width), (1, 6, width))


def motion(width=WIDE):
    layer = MotionModule(width, 8, 4, norm_groups=32)
    return Case(layer, lambda layer, x: layer(x, 4), (4, width, 2, 3))


@pytest.mark.parametrize("make", [resnet, spatial, motion])
@pytest.mark.parametrize("width", [WIDE, 64])  # 64: the kernels of sums and gates are for others
def test_a_layer_for_cuda_gives_what_the_layer_gives(make, width):
    case = make(width)
    fuse_for_cuda(case.model)
    np.testing.assert_allclose(case.found(), case.expected, rtol=0, atol=2e-5)


def test_a_resnet_has_no_sum_and_no_activation_of_its_own():
    case = resnet()
    fuse_for_cuda(case.model)
    kinds = case.kinds()
    assert (kinds["GroupNorm"], kinds["SkipGroupNorm"], kinds["BiasAdd"]) == (1, 1, 1)
    assert kinds["Sigmoid"] == kinds["ReduceMean"] == 0
    assert kinds["Conv"] == 2  # the third, of one place, is a product


def test_a_spatial_block_has_every_norm_in_a_sum():
    case = spatial()
    fuse_for_cuda(case.model)
    kinds = case.kinds()
    assert (kinds["SkipLayerNormalization"], kinds["LayerNormalization"]) == (2, 0)
    assert (kinds["BiasSplitGelu"], kinds["MultiHeadAttention"], kinds["Conv"]) == (1, 2, 0)


def test_of_a_product_for_some_samples_only_these_are_computed():
    case = spatial()
    fuse_for_cuda(case.model)
    made = {name: node for node in case.model.graph.node for name in node.output}
    sliced = [n for n in case.model.graph.node if n.op_type == "Slice"]
    assert all(made[n.input[0]].op_type != "MatMul" for n in sliced)


def test_groups_of_one_channel_keep_their_norm():
    layer = ResnetBlock(32, 32, SIZES)
    case = Case(layer, lambda layer, *x: layer(*x), (2, 32, 2, 3), (2, 64))
    fuse_for_cuda(case.model)
    assert case.kinds()["GroupNorm"] == 0
    np.testing.assert_allclose(case.found(), case.expected, rtol=0, atol=2e-5)


def test_what_leads_to_no_result_is_not_computed():
    case = motion()
    nodes = len(case.model.graph.node)
    case.model.graph.node.add(op_type="Relu", input=["input_0"], output=["of_no_use"])
    prune(case.model.graph)
    assert "of_no_use" not in {name for node in case.model.graph.node for name in node.output}
    assert len(case.model.graph.node) < nodes + 1


@pytest.mark.parametrize("make", [resnet, spatial, motion])
def test_a_layer_in_float16_gives_nearly_the_same(make):
    case = make()
    fuse_for_cuda(case.model)
    to_half(case.model)
    case.weights = graph_weights(case.weights, case.model)
    case.tensors = [x.astype(np.float16) for x in case.tensors]
    found = case.found()
    spread = case.expected.std()
    assert found.dtype == np.float16
    assert np.sqrt(np.mean((found - case.expected) ** 2)) < 5e-3 * spread


def test_norms_weights_stay_in_float32():
    case = resnet()
    fuse_for_cuda(case.model)
    to_half(case.model)
    weights = graph_weights(case.weights, case.model)
    assert weights["norm1.weight"].dtype == np.float32
    assert weights["conv1.weight"].dtype == np.float16


def test_angles_of_time_steps_are_not_rounded():
    program = trace_program(lambda t: timestep_embedding(t, 8), [spec(1, dtype="int64")])
    model = translate(program, {})
    to_half(model)
    expected = timestep_embedding(paddle.to_tensor([999]), 8).numpy()
    found = evaluate(model, {}, [np.array([999])])[0]
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_weight_beyond_float16_is_an_error_that_names_it():
    case = resnet()
    to_half(case.model)
    case.weights["conv1.weight"] = np.full([WIDE, 2 * WIDE, 3, 3], 1e5, np.float32)
    with pytest.raises(UserError, match=r"cannot hold the weights of conv1.weight, up to 1e\+05"):
        graph_weights(case.weights, case.model)


def test_a_model_in_float16_has_no_float32_but_where_it_must():
    case = spatial()
    fuse_for_cuda(case.model)
    to_half(case.model)
    single = [t.name for t in case.model.graph.initializer if t.data_type == TensorProto.FLOAT]
    assert {*single} == {"norm.weight", "norm.bias"}
    onnx.ModelProto.FromString(case.model.SerializeToString())


def test_every_part_of_a_model_for_cuda_gives_what_the_part_gives(tiny_model):
    model = tiny_model()
    small = Animation(height=16, width=16, frames=2, overlap=0, steps=20, guidance_scale=3.5)
    weights = shared_weights(model)
    for name, part in exported_parts(model, small).items():
        tensors = [random_tensor(spec) for spec in part.inputs.values()]
        expected = part.function(model, *map(paddle.to_tensor, tensors))
        expected = expected if isinstance(expected, list) else [expected]
        found = evaluate(part_graph(model, part, device="cuda"), weights, tensors)
        for ours, theirs in zip(found, expected, strict=True):
            largest = np.abs(theirs.numpy()).max()
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-5 * largest, err_msg=name)


def test_a_denoiser_for_cuda_takes_frames_of_different_noise_levels(tiny_model):
    model = tiny_model()
    small = Animation(height=16, width=16, frames=2, overlap=0, steps=20, guidance_scale=3.5)
    part = exported_parts(model, small)["denoise"]
    part = replace(part, inputs={**part.inputs, "timesteps": spec(1, 2, dtype="int64")})
    tensors = [random_tensor(spec) for spec in part.inputs.values()]
    tensors[list(part.inputs).index("timesteps")] = np.array([[0, 999]])
    expected = part.function(model, *map(paddle.to_tensor, tensors))
    (found,) = evaluate(part_graph(model, part, device="cuda"), shared_weights(model), tensors)
    np.testing.assert_allclose(found, expected, atol=3e-5 * float(expected.abs().max()))


def random_tensor(spec):
    if "int64" in str(spec.dtype):
        return np.full(spec.shape, 481)
    return np.random.default_rng(0).random(spec.shape).astype(np.float32)


def test_a_sum_of_one_token_with_many_is_no_sum_with_a_bias():
    layer = paddle.nn.Sequential(paddle.nn.Linear(8, 8), paddle.nn.LayerNorm(8))

    def call(layer, token, tokens):
        return layer[1](tokens + layer[0](token))

    case = Case(layer, call, (1, 1, 8), (1, 3, 8))
    fuse_for_cuda(case.model)
    assert case.kinds()["SkipLayerNormalization"] == 0

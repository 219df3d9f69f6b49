"""ONNX Runtime's own operations in numpy, as its documentation defines them."""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from scipy.special import erf

DOMAIN = "com.microsoft"


def group_norm(x, gamma, beta, groups, epsilon, activation):
    """x [N, H, W, C]."""
    n, h, w, c = x.shape
    grouped = x.reshape(n, h * w, groups, c // groups).astype(np.float64)
    mean, spread = grouped.mean((1, 3), keepdims=True), grouped.var((1, 3), keepdims=True)
    y = ((grouped - mean) / np.sqrt(spread + epsilon)).reshape(x.shape) * gamma + beta
    return (y / (1 + np.exp(-y)) if activation else y).astype(x.dtype)


class GroupNorm(OpRun):
    op_domain = DOMAIN

    def _run(self, x, gamma, beta, *, activation, channels_last, epsilon, groups):
        assert channels_last == 1
        return (group_norm(x, gamma, beta, groups, epsilon, activation),)


class SkipGroupNorm(OpRun):
    op_domain = DOMAIN

    def _run(self, x, gamma, beta, skip, *, activation, channels_last, epsilon, groups):
        assert channels_last == 1 and skip.shape == (x.shape[0], 1, 1, x.shape[3])
        return (group_norm(x + skip, gamma, beta, groups, epsilon, activation),)


class BiasSplitGelu(OpRun):
    op_domain = DOMAIN

    def _run(self, x, bias):
        assert x.ndim == 3 and bias.shape == x.shape[2:]
        value, gate = np.split(x + bias, 2, axis=-1)
        return ((value * gate * 0.5 * (1 + erf(gate / np.sqrt(2)))).astype(x.dtype),)


class BiasAdd(OpRun):
    op_domain = DOMAIN

    def _run(self, x, bias, skip):
        assert x.ndim == 3 and x.shape == skip.shape and bias.shape == x.shape[2:]
        assert x.shape[2] in (320, 640, 1280)
        return (x + bias + skip,)


class SkipLayerNormalization(OpRun):
    op_domain = DOMAIN

    def _run(self, x, skip, gamma, beta, bias, *, epsilon):
        assert x.ndim == 3 and skip.shape in (x.shape, x.shape[1:])
        summed = x + skip + bias
        mean, spread = summed.mean(-1, keepdims=True), summed.var(-1, keepdims=True)
        normed = (summed - mean) / np.sqrt(spread + epsilon) * gamma + beta
        mean, spread = mean.astype(x.dtype), spread.astype(x.dtype)
        return normed.astype(x.dtype), mean, spread, summed


class MultiHeadAttention(OpRun):
    op_domain = DOMAIN

    def _run(self, query, key, value, *, num_heads, scale):
        def heads(x):
            return x.reshape(*x.shape[:2], num_heads, -1).transpose(0, 2, 1, 3)

        scores = scale * heads(query) @ heads(key).transpose(0, 1, 3, 2)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        found = (shares / shares.sum(-1, keepdims=True)) @ heads(value)
        return (found.transpose(0, 2, 1, 3).reshape(query.shape),)


class Resize(OpRun):
    """Nearest neighbours of sizes given: the evaluator's own fails without a region."""

    op_domain = ""

    def _run(self, x, _, __, sizes, **how):
        assert how["coordinate_transformation_mode"] == "asymmetric" and how["mode"] == "nearest"
        for axis, size in enumerate(sizes):
            x = x.take(np.arange(size) * x.shape[axis] // size, axis)
        return (x,)


OPERATIONS = [
    Resize,
    GroupNorm,
    SkipGroupNorm,
    BiasSplitGelu,
    BiasAdd,
    SkipLayerNormalization,
    MultiHeadAttention,
]


def evaluate(model, weights, tensors):
    """Results of a model on numpy tensors, its outside weights by name."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            name, array = tensor.name, np.ascontiguousarray(weights[tensor.name])
            tensor.Clear()
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, name))
    evaluator = ReferenceEvaluator(model, new_ops=OPERATIONS)
    inputs = {value.name: x for value, x in zip(model.graph.input, tensors, strict=True)}
    return evaluator.run(None, inputs)

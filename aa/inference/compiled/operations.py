"""Paddle's operations as ONNX has them, in forms that OpenVINO and ONNX Runtime both read."""

import numpy as np

from aa.inference.compiled import layers
from aa.inference.compiled.onnx_graph import CODES
from aa.inference.compiled.operands import asked_type, like, side, type_of


def _full(_, __, op):
    return np.full(op.attrs()["shape"], op.attrs()["value"], asked_type(op))


def _assigned(_, __, op):
    return np.array(op.attrs()["values"], asked_type(op)).reshape(op.attrs()["shape"])


def _arange(_, operands, op):
    return np.arange(*map(side, operands), dtype=asked_type(op))


def _scale(graph, operands, op):
    x, factor = operands
    x = graph.node("Mul", x, like(side(factor), op))
    bias = op.attrs()["bias"]
    return graph.node("Add", x, like(bias, op)) if bias else x


def _swish(graph, operands, _):
    return graph.node("Mul", operands[0], graph.node("Sigmoid", operands[0]))


def _gelu(graph, operands, op):
    approximate = "tanh" if op.attrs()["approximate"] else "none"
    return graph.node("Gelu", operands[0], approximate=approximate)


def _clip(graph, operands, op):
    return graph.node("Clip", operands[0], *(like(side(x), op) for x in operands[1:]))


def _mean(graph, operands, op):
    axes = graph.numbers(*operands[1])
    return graph.node("ReduceMean", operands[0], axes, keepdims=int(op.attrs()["keepdim"]))


def _cast(graph, operands, op):
    if asked_type(op) == type_of(op.operands_source()[0]):
        return operands[0]
    return graph.node("Cast", operands[0], to=CODES[np.dtype(asked_type(op))])


def _slice(graph, operands, op):
    x, starts, stops = operands
    part = graph.node("Slice", x, *(graph.numbers(*n) for n in (starts, stops, op.attrs()["axes"])))
    if op.attrs()["decrease_axis"]:
        return graph.node("Reshape", part, graph.numbers(*op.results()[0].shape))
    return part


def _reshape(graph, operands, _):
    return graph.node("Reshape", operands[0], graph.numbers(*operands[1]))


def _to_shape(graph, operands, op):
    return graph.node("Reshape", operands[0], graph.numbers(*op.results()[0].shape))


def _expand(graph, operands, op):
    return graph.node("Expand", operands[0], graph.numbers(*op.results()[0].shape))


def _same(kind):
    """An operation that ONNX has with the same operands, all of them."""
    return lambda graph, operands, _: graph.node(kind, *operands)


# The graph, operands and Paddle's operation -> its value; see `OnnxGraph`.
TABLE = {
    "full": _full,
    "full_int_array": lambda _, __, op: np.array(op.attrs()["value"], np.int64),
    "assign_value_": _assigned,
    "arange": _arange,
    "add": _same("Add"),
    "subtract": _same("Sub"),
    "multiply": _same("Mul"),
    "scale": _scale,
    "exp": _same("Exp"),
    "sin": _same("Sin"),
    "cos": _same("Cos"),
    "sigmoid": _same("Sigmoid"),
    "clip": _clip,
    "cast": _cast,
    "swish": _swish,
    "silu": _swish,
    "gelu": _gelu,
    "softmax": lambda graph, x, op: graph.node("Softmax", x[0], axis=op.attrs()["axis"]),
    "mean": _mean,
    "conv2d": layers.convolution,
    "pad3d": layers.pad,
    "matmul": layers.matmul,
    "group_norm": layers.group_norm,
    "layer_norm": layers.layer_norm,
    "nearest_interp": layers.nearest,
    "pixel_shuffle": layers.pixel_shuffle,
    "pixel_unshuffle": layers.pixel_unshuffle,
    "reshape": _reshape,
    "flatten": _to_shape,
    "squeeze": _to_shape,
    "unsqueeze": lambda graph, x, _: graph.node("Unsqueeze", x[0], graph.numbers(*x[1])),
    "transpose": lambda graph, x, op: graph.node("Transpose", x[0], perm=op.attrs()["perm"]),
    "expand": _expand,
    "slice": _slice,
    "combine": lambda _, x, __: x,
    "concat": lambda graph, x, _: graph.node("Concat", *x[0], axis=side(x[1])),
    "split_with_num": layers.split,
    "split": lambda _, x, __: x[0],
    "share_data_": lambda _, x, __: x[0],
}

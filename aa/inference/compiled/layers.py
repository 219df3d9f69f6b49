"""Layers and changes of size of Paddle's as ONNX has them; operands as in `operations.TABLE`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aa.inference.compiled.onnx_graph import OnnxGraph
from aa.inference.compiled.operands import TranslationError, like, side


def convolution(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    attributes = op.attrs()
    if attributes["groups"] != 1 or attributes["padding_algorithm"] != "EXPLICIT":
        raise TranslationError("a convolution with groups or padding by name")
    pads = list(attributes["paddings"])
    return graph.node(
        "Conv",
        *operands,
        kernel_shape=op.operands_source()[1].shape[2:],
        strides=attributes["strides"],
        pads=pads * 2,
        dilations=attributes["dilations"],
    )


def pad(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    """Zeros at the sides; Paddle counts them from the last side on, and pads videos, NCDHW."""
    attributes = op.attrs()
    if attributes["mode"] != "constant" or attributes["data_format"] != "NCDHW":
        raise TranslationError("padding by anything but a constant")
    before, after = np.asarray(operands[1]).reshape(3, 2)[::-1].T
    pads = graph.numbers(0, 0, *before, 0, 0, *after)
    return graph.node("Pad", operands[0], pads, like(attributes["pad_value"], op))


def group_norm(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    groups, epsilon = op.attrs()["groups"], op.attrs()["epsilon"]
    return graph.node("GroupNormalization", *operands, num_groups=groups, epsilon=epsilon)


def layer_norm(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    axis, epsilon = op.attrs()["begin_norm_axis"], op.attrs()["epsilon"]
    if axis != len(op.results()[0].shape) - 1:
        raise TranslationError("a layer norm over several axes")
    return graph.node("LayerNormalization", *operands, axis=-1, epsilon=epsilon)


def matmul(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    """A product; ONNX has no transposed operands, so these are turned before."""
    turned = []
    for operand, source, turn in zip(operands, op.operands_source(), "xy", strict=True):
        if op.attrs()[f"transpose_{turn}"]:
            order = [*range(len(source.shape))]
            order[-2:] = order[:-3:-1]
            operand = graph.node("Transpose", operand, perm=order)
        turned.append(operand)
    return graph.node("MatMul", *turned)


def split(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    """Equal parts of a tensor along an axis.

    Those of a linear layer are separate layers, by parts of its weight: dividing what it gives
    copies all of it.
    """
    x, axis, count = operands[0], side(operands[1]), op.attrs()["num"]
    linear = _linear_layer(graph, x)
    if linear is None or axis not in (-1, len(op.operands_source()[0].shape) - 1):
        return graph.split("Split", x, count=count, axis=axis, num_outputs=count)
    tokens, weight, bias = linear
    weights, biases = (
        graph.split("Split", w, count=count, axis=-1, num_outputs=count) for w in (weight, bias)
    )
    products = (graph.node("MatMul", tokens, w) for w in weights)
    return [graph.node("Add", p, b) for p, b in zip(products, biases, strict=True)]


def _linear_layer(graph, x):
    """Tokens, weight and bias of which a value is the linear layer, or None."""
    made = graph.made.get(x)
    if made is None or made.op_type != "Add":
        return None
    product, bias = graph.made.get(made.input[0]), made.input[1]
    if product is None or product.op_type != "MatMul":
        return None
    tokens, weight = product.input
    return (tokens, weight, bias) if {weight, bias} <= graph.weights else None


def nearest(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    if op.attrs()["align_corners"]:
        raise TranslationError("nearest-neighbour resizing with aligned corners")
    size = graph.numbers(*op.results()[0].shape)
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.node("Resize", operands[0], None, None, size, mode="nearest", **how)


def pixel_shuffle(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    side = op.attrs()["upscale_factor"]
    return graph.node("DepthToSpace", operands[0], blocksize=side, mode="CRD")


def pixel_unshuffle(graph: OnnxGraph, operands: Sequence[Any], op: Any) -> Any:
    """ONNX's SpaceToDepth puts places before channels, Paddle channels before places."""
    side, (n, c, h, w) = op.attrs()["downscale_factor"], op.operands_source()[0].shape
    shape = graph.numbers(n, c, h // side, side, w // side, side)
    squares = graph.node("Reshape", operands[0], shape)
    squares = graph.node("Transpose", squares, perm=[0, 1, 3, 5, 2, 4])
    return graph.node("Reshape", squares, graph.numbers(*op.results()[0].shape))

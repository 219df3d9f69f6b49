"""Projections' weights in 8 bits, without data: what a graph is given in place of the floats."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from aa.inference.compiled.onnx_graph import weight_tensor
from aa.inference.compiled.patterns import GraphReader, attribute

LARGEST = 127  # of the 8 bits; -128 is left out, so that a weight and its opposite round alike


def quantize(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A projection's weight [in, out] as int8 [in, out] and a float32 scale [out] per channel.

    Symmetric, after the largest weight of each output channel: the product of both is within half
    a scale of the weight. A channel that is not finite stays so, by its scale.
    """
    scale = np.abs(weight).max(0) / np.float32(LARGEST)
    scale[scale == 0] = 1
    with np.errstate(invalid="ignore"):
        return np.rint(weight / scale).astype(np.int8), scale


def to_eight_bits(
    model: onnx.ModelProto, weights: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Let the projections of a graph take their weights in 8 bits, and return what it takes then.

    A weight is given as int8 and a scale per output channel, and DequantizeLinear stands between
    them and the product, which engines do in one. All else stays in float: convolutions, whose
    weights OpenVINO unpacks when it loads them, biases, norms.

    Args:
        weights: by name, at least those of the graph.

    Returns:
        the weights of before and the new ones, by their names in the changed graph.
    """
    graph, given = model.graph, dict(weights)
    known, nodes, kept, gone = GraphReader(graph), [], [], set()
    for tensor in graph.initializer:
        values = _projected(known, tensor)
        if not values:
            kept.append(tensor)
            continue
        parts = (np.split(x, len(values), axis=-1) for x in quantize(weights[tensor.name]))
        for value, *pair in zip(values, *parts, strict=True):
            names = f"{value}_int8", f"{value}_scale"
            for name, array in zip(names, pair, strict=True):
                given[name] = np.ascontiguousarray(array)
                kind = helper.np_dtype_to_tensor_dtype(array.dtype)
                kept.append(weight_tensor(name, kind, array.shape))
            nodes.append(helper.make_node("DequantizeLinear", names, [value], axis=1))
        gone.update(id(node) for node in known.takers[tensor.name] if node.op_type == "Split")
    _refill(graph.node, [*nodes, *(node for node in graph.node if id(node) not in gone)])
    _refill(graph.initializer, kept)
    return given


def _projected(known, tensor):
    """The values that a weight is for products alone: itself or, of a split layer, its parts."""
    if tensor.data_location != TensorProto.EXTERNAL or len(tensor.dims) != 2:
        return []
    takers = known.takers.get(tensor.name, [])
    if [node.op_type for node in takers] == ["Split"] and attribute(takers[0], "axis") == -1:
        values = [*takers[0].output]
    else:
        values = [tensor.name]
    users = [node for value in values for node in known.takers.get(value, [])]
    if users and all(node.op_type == "MatMul" and node.input[1] in values for node in users):
        return values
    return []


def _refill(field, messages):
    """Put messages in place of a list in a graph, of which they may be part."""
    copies = [type(message).FromString(message.SerializeToString()) for message in messages]
    del field[:]
    field.extend(copies)

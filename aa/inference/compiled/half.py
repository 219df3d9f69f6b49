"""A graph in float16, for GPUs: all but the few values that it cannot hold."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aa.errors import UserError
from aa.inference.compiled.patterns import attribute

# Angles of the sinusoids: of time step 999 float16 has them within half a radian only.
PRECISE = ("Sin", "Cos")
SINGLE_OPERANDS = {
    "GroupNorm": (1, 2),
    "SkipGroupNorm": (1, 2),
}  # gamma and beta: its kernel takes float32 alone
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def to_half(model: onnx.ModelProto) -> None:
    """Let a graph take, compute and return float16 in place of float32.

    What leads to a sine or cosine stays in float32, and weights that an operation wants so.
    """
    graph = model.graph
    single = _before(graph, PRECISE)
    precise = {name for node in single for name in node.input}
    kept = {node.input[i] for node in graph.node for i in SINGLE_OPERANDS.get(node.op_type, ())}
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == FLOAT:
            value.type.tensor_type.elem_type = HALF
    copies = _constants(graph, precise, kept)
    _nodes(graph, {id(node) for node in single}, copies)


def graph_weights(
    weights: Mapping[str, np.ndarray], model: onnx.ModelProto
) -> dict[str, np.ndarray]:
    """The weights of a graph in the types that it has for them.

    Raises:
        UserError: a weight is larger than float16 holds.
    """
    found = {}
    for tensor in model.graph.initializer:
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        array = weights[tensor.name]
        if tensor.data_type == HALF:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if not np.isfinite(half).all():
                raise UserError(
                    f"inference.precision=float16 cannot hold the weights of {tensor.name}, up to "
                    f"{np.abs(array).max():.3g}; use inference.precision=float32."
                )
            array = half
        found[tensor.name] = array
    return found


def _before(graph, kinds):
    """The nodes of some kinds, and all that lead to them."""
    made = {name: node for node in graph.node for name in node.output}
    waiting, found = [node for node in graph.node if node.op_type in kinds], {}
    while waiting:
        node = waiting.pop()
        if id(node) not in found:
            found[id(node)] = node
            waiting += [made[name] for name in node.input if name in made]
    return [*found.values()]


def _constants(graph, precise, kept):
    """Turn weights and constants into float16; those that `precise` nodes take too get a copy."""
    copies, more = {}, []
    for tensor in graph.initializer:
        if tensor.data_type != FLOAT or tensor.name in kept:
            continue
        if tensor.name in precise:
            copies[tensor.name] = f"{tensor.name}_half"
            copy = numpy_helper.to_array(tensor).astype(np.float16)
            more.append(numpy_helper.from_array(copy, copies[tensor.name]))
        elif tensor.data_location == TensorProto.EXTERNAL:
            tensor.data_type = HALF
        else:
            half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
    graph.initializer.extend(more)
    return copies


def _nodes(graph, single, copies):
    """Let all nodes but the `single` ones compute in float16."""
    nodes, made = [], {}
    for node in graph.node:
        nodes.append(node)
        if id(node) in single:
            if node.op_type in PRECISE:
                made[node.output[0]] = f"{node.output[0]}_half"
                nodes.append(helper.make_node("Cast", node.output, [made[node.output[0]]], to=HALF))
            continue
        node.input[:] = [made.get(name, copies.get(name, name)) for name in node.input]
        if node.op_type == "Cast" and attribute(node, "to") == FLOAT:
            del node.attribute[:]
            node.attribute.append(helper.make_attribute("to", HALF))
        if node.op_type == "ConstantOfShape" and not node.attribute:  # zeros in float32
            zero = numpy_helper.from_array(np.zeros(1, np.float16))
            node.attribute.append(helper.make_attribute("value", zero))
    rewritten = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(rewritten)

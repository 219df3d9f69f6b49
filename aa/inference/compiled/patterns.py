"""Patterns of nodes in an ONNX graph: how they are found, and how others take their place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

DOMAIN = "com.microsoft"  # operations of ONNX Runtime's own


class FormError(Exception):
    """The nodes here are not those that were looked for."""


class GraphReader:
    """A graph as it is read backwards: who makes a value, who takes it, what a constant is."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.made = {name: node for node in graph.node for name in node.output}
        self.initializers = {t.name: t for t in graph.initializer}
        values = (*graph.value_info, *graph.input)
        self._shapes = {value.name: value.type.tensor_type.shape.dim for value in values}
        self.takers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)

    def maker(self, value: str, kind: str, **attributes: Any) -> onnx.NodeProto:
        """The node that makes a value, if it is of that kind; else a `FormError`."""
        return _checked(self.made.get(value), kind, attributes)

    def taker(self, value: str, kind: str, **attributes: Any) -> onnx.NodeProto:
        """The node that alone takes a value, if it is of that kind; else a `FormError`."""
        takers = self.takers.get(value, [])
        return _checked(takers[0] if len(takers) == 1 else None, kind, attributes)

    def number(self, name: str) -> np.ndarray:
        """A constant's value; a `FormError` for what is computed or lies outside."""
        tensor = self.initializers.get(name)
        if tensor is None or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise FormError
        return numpy_helper.to_array(tensor)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a value; a `FormError` for those that came into the graph with a pattern."""
        if name in self.initializers:
            return tuple(self.initializers[name].dims)
        if name not in self._shapes:
            raise FormError
        return tuple(side.dim_value for side in self._shapes[name])


def _checked(node, kind, attributes):
    if node is None or node.op_type != kind:
        raise FormError
    if any(attribute(node, k) != v for k, v in attributes.items()):
        raise FormError
    return node


def attribute(node: onnx.NodeProto, name: str) -> Any:
    """An attribute of a node, None where it has none of that name."""
    found = [a for a in node.attribute if a.name == name]
    return helper.get_attribute_value(found[0]) if found else None


# What stands in for a pattern: the nodes, the last of which makes the pattern's result, and those
# of the pattern's own that nobody else needs.
Found = tuple[Sequence[onnx.NodeProto], Iterable[onnx.NodeProto]]


def replace(
    model: onnx.ModelProto, kind: str, find: Callable[[GraphReader, onnx.NodeProto], Found]
) -> int:
    """Put other nodes in place of every pattern around a node of a kind.

    Args:
        find: what stands in for the pattern around a node; a `FormError` where there is none.

    Returns:
        how many there were.
    """
    reader, gone, instead = GraphReader(model.graph), set(), {}
    for node in (node for node in model.graph.node if node.op_type == kind):
        try:
            nodes, needless = find(reader, node)
        except FormError:
            continue
        instead[nodes[-1].output[0]] = nodes
        gone |= {id(n) for n in needless}
    _rewrite(model.graph, instead, gone)
    if instead and all(opset.domain != DOMAIN for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return len(instead)


def prune(graph: onnx.GraphProto) -> None:
    """Remove the nodes that lead to no result: ONNX Runtime computes and keeps what they give."""
    needed, nodes = {value.name for value in graph.output}, []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            nodes.append(node)
    nodes.reverse()
    del graph.node[:]
    graph.node.extend(nodes)


def _rewrite(
    graph: onnx.GraphProto, instead: Mapping[str, Sequence[onnx.NodeProto]], gone: set[int]
) -> None:
    nodes = []
    for node in graph.node:
        if node.output[0] in instead:
            nodes.extend(instead[node.output[0]])
        elif id(node) not in gone:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)

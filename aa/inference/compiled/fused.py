"""Operations of ONNX Runtime's own in place of the ONNX ones that make them up."""

import onnx
from onnx import helper, numpy_helper

DOMAIN = "com.microsoft"
TO_HEADS = [0, 2, 1, 3]  # [B, L, heads, d] -> [B, heads, L, d], and back


class _FormError(Exception):
    """The nodes here are not those that were looked for."""


class _Graph:
    """A graph as it is read backwards: who makes a value, who takes it, what a constant is."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.made = {name: node for node in graph.node for name in node.output}
        self.constants = {t.name: t for t in graph.initializer}
        self.takers = {}
        for node in graph.node:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)

    def maker(self, value, kind, **attributes):
        """The node that makes a value, if it is of that kind."""
        return _checked(self.made.get(value), kind, attributes)

    def taker(self, node, kind, **attributes):
        """The node that alone takes a node's result, if it is of that kind."""
        takers = self.takers.get(node.output[0], [])
        return _checked(takers[0] if len(takers) == 1 else None, kind, attributes)

    def number(self, name):
        """A constant's value."""
        if name not in self.constants:
            raise _FormError
        return numpy_helper.to_array(self.constants[name])


def _checked(node, kind, attributes):
    if node is None or node.op_type != kind:
        raise _FormError
    if any(helper.get_node_attr_value(node, k) != v for k, v in attributes.items()):
        raise _FormError
    return node


def fuse_attention(model: onnx.ModelProto) -> int:
    """Put one operation in place of each attention in heads, so that no scores are held.

    Returns:
        how many there were.
    """
    known, gone, fused = _Graph(model.graph), set(), {}
    for softmax in (node for node in model.graph.node if node.op_type == "Softmax"):
        try:
            node, between = _attention(known, softmax)
        except _FormError:
            continue
        fused[node.output[0]] = node
        gone |= {id(n) for n in between}
    nodes = []
    for node in model.graph.node:
        if node.output[0] in fused:
            nodes.append(fused[node.output[0]])
        elif id(node) not in gone:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    if fused:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return len(fused)


def _attention(known, softmax):
    """The operation that a softmax is the heart of, and the nodes that it makes needless."""
    scores = known.maker(softmax.input[0], "MatMul")
    scaled = known.maker(scores.input[0], "Mul")
    key_turned = known.maker(scores.input[1], "Transpose", perm=[0, 1, 3, 2])
    mixed = known.taker(softmax, "MatMul")
    turned = known.taker(mixed, "Transpose", perm=TO_HEADS)
    last = known.taker(turned, "Reshape")
    sources = (scaled.input[0], key_turned.input[0], mixed.input[1])
    tokens, heads = zip(*(_in_heads(known, value) for value in sources), strict=True)
    if len(set(heads)) != 1:
        raise _FormError
    scale = known.number(scaled.input[1]).item()
    node = helper.make_node(
        "MultiHeadAttention", tokens, last.output, domain=DOMAIN, num_heads=heads[0], scale=scale
    )
    return node, (scores, softmax, mixed, turned, scaled, key_turned)


def _in_heads(known, value):
    """The tokens [B, L, C] that a value [B, heads, L, d] was made of, and its heads."""
    turned = known.maker(value, "Transpose", perm=TO_HEADS)
    split = known.maker(turned.input[0], "Reshape")
    shape = known.number(split.input[1])
    if len(shape) != 4:
        raise _FormError
    return split.input[0], int(shape[2])

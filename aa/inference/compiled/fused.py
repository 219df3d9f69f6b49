"""Attention as one operation of ONNX Runtime's, which a CPU and a GPU have."""

import onnx
from onnx import helper

from aa.inference.compiled.patterns import DOMAIN, FormError, Found, GraphReader, replace

TO_HEADS = [0, 2, 1, 3]  # [B, L, heads, d] -> [B, heads, L, d], and back


def fuse_attention(model: onnx.ModelProto) -> int:
    """Put one operation in place of each attention in heads, so that no scores are held.

    Returns:
        how many there were.
    """
    return replace(model, "Softmax", _attention)


def _attention(known: GraphReader, softmax: onnx.NodeProto) -> Found:
    """The operation that a softmax is the heart of, and the nodes that it makes needless."""
    scores = known.maker(softmax.input[0], "MatMul")
    scaled = known.maker(scores.input[0], "Mul")
    key_turned = known.maker(scores.input[1], "Transpose", perm=[0, 1, 3, 2])
    mixed = known.taker(softmax.output[0], "MatMul")
    turned = known.taker(mixed.output[0], "Transpose", perm=TO_HEADS)
    last = known.taker(turned.output[0], "Reshape")
    sources = (scaled.input[0], key_turned.input[0], mixed.input[1])
    tokens, heads = zip(*(_in_heads(known, value) for value in sources), strict=True)
    if len(set(heads)) != 1:
        raise FormError
    scale = known.number(scaled.input[1]).item()
    node = helper.make_node(
        "MultiHeadAttention", tokens, last.output, domain=DOMAIN, num_heads=heads[0], scale=scale
    )
    return [node], (scores, softmax, mixed, turned, scaled, key_turned)


def _in_heads(known, value):
    """The tokens [B, L, C] that a value [B, heads, L, d] was made of, and its heads."""
    turned = known.maker(value, "Transpose", perm=TO_HEADS)
    split = known.maker(turned.input[0], "Reshape")
    shape = known.number(split.input[1])
    if len(shape) != 4:
        raise FormError
    return split.input[0], int(shape[2])

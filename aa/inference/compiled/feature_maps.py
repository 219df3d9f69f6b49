"""Feature maps for the CUDA provider: channels come last, norms take in what stands around them."""

import contextlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

from aa.inference.compiled.patterns import DOMAIN, FormError, Found, GraphReader, attribute

LAST, FIRST = [0, 2, 3, 1], [0, 3, 1, 2]  # channels to the last place, and back
SUMMED_WIDTHS = (320, 640, 1280)  # those that the kernel of sums was built for


def group_norm(known: GraphReader, norm: onnx.NodeProto) -> Found:
    """Group norm with the shift before and the SiLU behind it, over channels that come last.

    Its means are not taken away before, as they are for Paddle's CPU kernel (`GroupNorm`): this one
    sums in float32.
    """
    gamma, beta = norm.input[1:]
    groups = attribute(norm, "num_groups")
    source, needless = norm.input[0], ()
    with contextlib.suppress(FormError):
        source, needless = _before_centring(known, source)
    # The kernel takes maps [N, H, W, C], and reads two channels of a group at once.
    if len(known.shape(source)) != 4 or known.shape(gamma)[0] // groups % 2:
        raise FormError
    result, last = norm.output[0], [norm]
    silu = None
    with contextlib.suppress(FormError):
        silu, last = _silu(known, result)
        result = silu.output[0]
    turned, normed, shift = (f"{result}_{name}" for name in ("last", "normed", "shift"))
    attributes = {
        "domain": DOMAIN,
        "groups": groups,
        "epsilon": attribute(norm, "epsilon"),
        "activation": int(silu is not None),
        "channels_last": 1,
    }
    back = helper.make_node("Transpose", [normed], [result], perm=FIRST)
    gone = [norm, *needless, *last]
    try:
        summed, places, of_samples = _shifted(known, source)
    except FormError:
        turn = helper.make_node("Transpose", [source], [turned], perm=LAST)
        operands = [turned, gamma, beta]
        return [turn, helper.make_node("GroupNorm", operands, [normed], **attributes), back], gone
    operands = [turned, gamma, beta, shift]
    nodes = [
        helper.make_node("Transpose", [places], [turned], perm=LAST),
        helper.make_node("Transpose", [of_samples], [shift], perm=LAST),
        helper.make_node("SkipGroupNorm", operands, [normed], **attributes),
        back,
    ]
    return nodes, [*gone, summed]


def _shifted(known, value):
    """The sum of a convolution and a value for each sample [N, C, 1, 1], read by one norm alone."""
    summed = known.maker(value, "Add")
    known.maker(summed.input[0], "Conv")
    known.maker(summed.input[1], "Unsqueeze")
    if len(known.takers[value]) > 2:  # the norm, and the means that were taken away before it
        raise FormError
    return summed, *summed.input


def _before_centring(known, value):
    """The value that a group norm was of before its groups' means were taken away."""
    shaped = known.maker(value, "Reshape")
    centred = known.maker(shaped.input[0], "Sub")
    mean = known.maker(centred.input[1], "ReduceMean")
    groups = known.maker(mean.input[0], "Reshape")
    if centred.input[0] != groups.output[0]:
        raise FormError
    return groups.input[0], (shaped, centred, mean, groups)


def _silu(known, value):
    """The product of a value and its sigmoid, where nobody else takes the value."""
    takers = known.takers.get(value, [])
    sigmoid = [node for node in takers if node.op_type == "Sigmoid"]
    product = [node for node in takers if node.op_type == "Mul"]
    if len(takers) != 2 or not sigmoid or not product:
        raise FormError
    if set(product[0].input) != {value, sigmoid[0].output[0]}:
        raise FormError
    return product[0], (sigmoid[0], product[0])


def pointwise(known: GraphReader, convolution: onnx.NodeProto) -> Found:
    """A convolution of one place as the product that it is, with its bias."""
    source, weight = convolution.input
    if attribute(convolution, "kernel_shape") != [1, 1]:
        raise FormError
    if {*attribute(convolution, "strides")} != {1} or any(attribute(convolution, "pads")):
        raise FormError
    result, gone, bias = convolution.output[0], [convolution], None
    with contextlib.suppress(FormError):
        biased = known.taker(result, "Add")
        bias = _bias(known, biased.input[1])
        result, gone = biased.output[0], [convolution, biased]
    shape, flat, turned, last, product, added = (
        f"{result}_{name}" for name in ("shape", "flat", "turned", "last", "product", "added")
    )
    nodes = [
        constant(shape, known.shape(weight)[:2]),
        helper.make_node("Reshape", [weight, shape], [flat]),
        helper.make_node("Transpose", [flat], [turned], perm=[1, 0]),
        helper.make_node("Transpose", [source], [last], perm=LAST),
        helper.make_node("MatMul", [last, turned], [product]),
    ]
    if bias:
        nodes.append(helper.make_node("Add", [product, bias], [added]))
    nodes.append(helper.make_node("Transpose", [nodes[-1].output[0]], [result], perm=FIRST))
    return nodes, gone


def residual(known: GraphReader, summed: onnx.NodeProto) -> Found:
    """A convolution's bias and the residual in one pass: alone, a bias is one of its own."""
    biased = known.maker(summed.input[0], "Add")
    bias, convolved = _bias(known, biased.input[1]), biased.input[0]
    convolution = known.maker(convolved, "Conv")
    if len(known.takers[biased.output[0]]) != 1 or known.shape(bias)[0] not in SUMMED_WIDTHS:
        raise FormError
    n, c, h, w = known.shape(convolved)
    result = summed.output[0]
    tokens, places = f"{result}_tokens", f"{result}_places"
    sides = [f"{result}_{name}" for name in ("left", "right", "flat_left", "flat_right")]
    nodes = [
        convolution,
        constant(tokens, (n, h * w, c)),
        constant(places, (n, h, w, c)),
        helper.make_node("Transpose", [convolved], [sides[0]], perm=LAST),
        helper.make_node("Transpose", [summed.input[1]], [sides[1]], perm=LAST),
        helper.make_node("Reshape", [sides[0], tokens], [sides[2]]),
        helper.make_node("Reshape", [sides[1], tokens], [sides[3]]),
        helper.make_node("BiasAdd", [sides[2], bias, sides[3]], [f"{result}_sum"], domain=DOMAIN),
        helper.make_node("Reshape", [f"{result}_sum", places], [f"{result}_last"]),
        helper.make_node("Transpose", [f"{result}_last"], [result], perm=FIRST),
    ]
    return nodes, [summed, biased, convolution]


def _bias(known, value):
    """The bias [C] that a value [1, C, 1, 1] is."""
    shaped = known.maker(value, "Reshape")
    if len(known.shape(shaped.input[0])) != 1:
        raise FormError
    return shaped.input[0]


def constant(name: str, numbers: tuple[int, ...]) -> onnx.NodeProto:
    """A node that gives whole numbers."""
    value = numpy_helper.from_array(np.array(numbers, np.int64), name)
    return helper.make_node("Constant", [], [name], value=value)

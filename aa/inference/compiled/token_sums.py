"""Tokens for the CUDA provider: sums with their biases and norms, and gated units, in one pass."""

import onnx
from onnx import helper

from aa.inference.compiled.feature_maps import FIRST, LAST, SUMMED_WIDTHS, constant
from aa.inference.compiled.patterns import DOMAIN, FormError, Found, GraphReader, attribute

GATED_WIDTHS = (2560, 5120, 10240)  # those that the kernel was built for


def gated(known: GraphReader, gelu: onnx.NodeProto) -> Found:
    """GEGLU: one product, whose bias, halves and gate are one operation.

    For other engines the two halves are products of their own, see `layers.split`.
    """
    product = known.taker(gelu.output[0], "Mul")
    passed = next(name for name in product.input if name != gelu.output[0])
    halves = [_half_of_linear(known, value) for value in (passed, gelu.input[0])]
    (tokens, weight, bias, first), (others, other_weight, other_bias, second) = halves
    if (tokens, weight, bias, 0, 1) != (others, other_weight, other_bias, first, second):
        raise FormError
    if known.shape(weight)[-1] not in GATED_WIDTHS or attribute(gelu, "approximate") == b"tanh":
        raise FormError
    both = f"{product.output[0]}_both"
    nodes = [
        helper.make_node("MatMul", [tokens, weight], [both]),
        helper.make_node("BiasSplitGelu", [both, bias], product.output, domain=DOMAIN),
    ]
    made = [known.made[passed], known.made[gelu.input[0]]]
    return nodes, [gelu, product, *made, *(known.made[node.input[0]] for node in made)]


def _half_of_linear(known, value):
    """Tokens, weight, bias and number of the half of a linear layer that a value is."""
    added = known.maker(value, "Add")
    product = known.maker(added.input[0], "MatMul")
    tokens, part = product.input
    weights, biases = known.maker(part, "Split"), known.maker(added.input[1], "Split")
    number = [*weights.output].index(part)
    if biases.output[number] != added.input[1]:
        raise FormError
    return tokens, weights.input[0], biases.input[0], number


def part_of_product(known: GraphReader, part: onnx.NodeProto) -> Found:
    """Some samples of a linear layer's result as the layer of these samples: less is copied."""
    product = known.maker(part.input[0], "MatMul")
    tokens, weight = product.input
    if len(known.shape(weight)) != 2 or known.number(part.input[3]).tolist() != [0]:
        raise FormError
    some = f"{part.output[0]}_some"
    nodes = [
        helper.make_node("Slice", [tokens, *part.input[1:]], [some]),
        helper.make_node("MatMul", [some, weight], part.output),
    ]
    return nodes, [part]


def norm_of_sum(known: GraphReader, norm: onnx.NodeProto) -> Found:
    """Layer norm of a residual sum with the bias of what is added, and that sum.

    Something else may be added to the sum, as the image token is: it is added to the residual.
    """
    summed = known.maker(norm.input[0], "Add")
    before, result = [], summed.output[0]
    try:
        skip, product, bias, biased = _biased_summand(known, summed)
        gone = [summed, biased]
    except FormError:
        inner, more = summed.input
        first = known.maker(inner, "Add")
        if len(known.takers[inner]) != 1:
            raise
        tokens, product, bias, biased = _biased_summand(known, first)
        skip = f"{result}_skip"
        before = [helper.make_node("Add", [tokens, more], [skip])]
        gone = [summed, first, biased]
    return [*before, _skip_norm(norm, product, skip, bias, result)], [norm, *gone]


def norm_of_linear(known: GraphReader, norm: onnx.NodeProto) -> Found:
    """Layer norm of a linear layer's result with its bias, and that result.

    The kernel for norms of sums, of zeros here, is three times as fast as that for norms alone.
    """
    value, flat, gone = norm.input[0], [], [norm]
    made = known.made.get(value)
    if made is not None and made.op_type == "Reshape":  # of a feature map's places as tokens
        last = known.maker(made.input[0], "Transpose", perm=LAST)
        first = known.maker(last.input[0], "Transpose", perm=FIRST)
        biased = known.maker(first.input[0], "Add")
        flat = [f"{value}_product", made.input[1]]
        gone += [made]
    else:
        biased = known.maker(value, "Add")
        gone += [biased]
    product, bias = biased.input
    known.maker(product, "MatMul")
    if len(known.shape(value)) != 3 or len(known.shape(bias)) != 1:
        raise FormError
    _, length, width = known.shape(value)
    shape, zeros = f"{value}_shape", f"{value}_zeros"
    nodes = [
        constant(shape, (length, width)),
        helper.make_node("ConstantOfShape", [shape], [zeros]),
        *([helper.make_node("Reshape", [product, flat[1]], [flat[0]])] if flat else []),
        _skip_norm(norm, flat[0] if flat else product, zeros, bias, value),
    ]
    return nodes, gone


def _skip_norm(norm, product, skip, bias, summed):
    """The node of a norm of a sum: it gives the sum too, by the name `summed`."""
    return helper.make_node(
        "SkipLayerNormalization",
        [product, skip, *norm.input[1:], bias],
        [norm.output[0], "", "", summed],
        domain=DOMAIN,
        epsilon=attribute(norm, "epsilon"),
    )


def residual(known: GraphReader, summed: onnx.NodeProto) -> Found:
    """A residual sum with the bias of what is added."""
    skip, product, bias, biased = _biased_summand(known, summed)
    if known.shape(bias)[0] not in SUMMED_WIDTHS:
        raise FormError
    node = helper.make_node("BiasAdd", [product, bias, skip], summed.output, domain=DOMAIN)
    return [node], [summed, biased]


def _biased_summand(known, summed):
    """Of the sum of tokens and a linear layer: the tokens, product, bias, and the layer's sum."""
    for skip, value in (summed.input, [*summed.input][::-1]):
        biased = known.made.get(value)
        if biased is None or biased.op_type != "Add" or len(known.takers[value]) != 1:
            continue
        product, bias = biased.input
        maker = known.made.get(product)
        if maker is None or maker.op_type != "MatMul" or skip in known.initializers:
            continue
        if bias not in known.initializers or len(known.shape(bias)) != 1:
            continue
        if known.shape(product) == known.shape(skip):  # else one is added to many
            return skip, product, bias, biased
    raise FormError

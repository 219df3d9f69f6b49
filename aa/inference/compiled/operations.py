"""Paddle's operations as ONNX has them, in forms that OpenVINO and ONNX Runtime both read."""

import numpy as np

TYPES = {
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
    "INT64": np.int64,
    "INT32": np.int32,
    "BOOL": np.bool_,
}


class TranslationError(Exception):
    """The program has an operation, or a form of one, that is not in the table."""


def _side(operand):
    """The one value of a constant."""
    return np.asarray(operand).reshape(-1)[0].item()


def _type(value):
    """Numpy's type of a value of the program."""
    return TYPES[value.dtype.name]


def _asked(op):
    """Numpy's type that an operation's attributes name."""
    return TYPES[op.attrs()["dtype"].name]


def _like(number, op):
    """A number of the type of an operation's first operand."""
    return np.array(number, _type(op.operands_source()[0]))


def _full(_, __, op):
    return np.full(op.attrs()["shape"], op.attrs()["value"], _asked(op))


def _assigned(_, __, op):
    return np.array(op.attrs()["values"], _asked(op)).reshape(op.attrs()["shape"])


def _arange(_, operands, op):
    return np.arange(*map(_side, operands), dtype=_asked(op))


def _convolution(graph, operands, op):
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


def _pad(graph, operands, op):
    """Zeros at the sides; Paddle counts them from the last side on, and pads videos, NCDHW."""
    attributes = op.attrs()
    if attributes["mode"] != "constant" or attributes["data_format"] != "NCDHW":
        raise TranslationError("padding by anything but a constant")
    before, after = np.asarray(operands[1]).reshape(3, 2)[::-1].T
    pads = graph.numbers(0, 0, *before, 0, 0, *after)
    return graph.node("Pad", operands[0], pads, _like(attributes["pad_value"], op))


def _group_norm(graph, operands, op):
    groups, epsilon = op.attrs()["groups"], op.attrs()["epsilon"]
    return graph.node("GroupNormalization", *operands, num_groups=groups, epsilon=epsilon)


def _layer_norm(graph, operands, op):
    axis, epsilon = op.attrs()["begin_norm_axis"], op.attrs()["epsilon"]
    if axis != len(op.results()[0].shape) - 1:
        raise TranslationError("a layer norm over several axes")
    return graph.node("LayerNormalization", *operands, axis=-1, epsilon=epsilon)


def _matmul(graph, operands, op):
    """A product; ONNX has no transposed operands, so these are turned before."""
    turned = []
    for operand, source, turn in zip(operands, op.operands_source(), "xy", strict=True):
        if op.attrs()[f"transpose_{turn}"]:
            order = [*range(len(source.shape))]
            order[-2:] = order[:-3:-1]
            operand = graph.node("Transpose", operand, perm=order)
        turned.append(operand)
    return graph.node("MatMul", *turned)


def _scale(graph, operands, op):
    x, factor = operands
    x = graph.node("Mul", x, _like(_side(factor), op))
    bias = op.attrs()["bias"]
    return graph.node("Add", x, _like(bias, op)) if bias else x


def _swish(graph, operands, _):
    return graph.node("Mul", operands[0], graph.node("Sigmoid", operands[0]))


def _gelu(graph, operands, op):
    approximate = "tanh" if op.attrs()["approximate"] else "none"
    return graph.node("Gelu", operands[0], approximate=approximate)


def _clip(graph, operands, op):
    return graph.node("Clip", operands[0], *(_like(_side(x), op) for x in operands[1:]))


def _mean(graph, operands, op):
    axes = graph.numbers(*operands[1])
    return graph.node("ReduceMean", operands[0], axes, keepdims=int(op.attrs()["keepdim"]))


def _cast(graph, operands, op):
    from aa.inference.compiled.onnx_graph import TYPES as CODES

    if _asked(op) == _type(op.operands_source()[0]):
        return operands[0]
    return graph.node("Cast", operands[0], to=CODES[np.dtype(_asked(op))])


def _slice(graph, operands, op):
    if op.attrs()["decrease_axis"]:
        raise TranslationError("a slice that drops its axis")
    x, starts, stops = operands
    return graph.node("Slice", x, *(graph.numbers(*n) for n in (starts, stops, op.attrs()["axes"])))


def _split(graph, operands, op):
    """Equal parts of a tensor along an axis.

    Those of a linear layer are separate layers, by parts of its weight: dividing what it gives
    copies all of it.
    """
    x, axis, count = operands[0], _side(operands[1]), op.attrs()["num"]
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


def _reshape(graph, operands, _):
    return graph.node("Reshape", operands[0], graph.numbers(*operands[1]))


def _to_shape(graph, operands, op):
    return graph.node("Reshape", operands[0], graph.numbers(*op.results()[0].shape))


def _expand(graph, operands, op):
    return graph.node("Expand", operands[0], graph.numbers(*op.results()[0].shape))


def _nearest(graph, operands, op):
    if op.attrs()["align_corners"]:
        raise TranslationError("nearest-neighbour resizing with aligned corners")
    size = graph.numbers(*op.results()[0].shape)
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.node("Resize", operands[0], None, None, size, mode="nearest", **how)


def _pixel_shuffle(graph, operands, op):
    side = op.attrs()["upscale_factor"]
    return graph.node("DepthToSpace", operands[0], blocksize=side, mode="CRD")


def _pixel_unshuffle(graph, operands, op):
    """ONNX's SpaceToDepth puts places before channels, Paddle channels before places."""
    side, (n, c, h, w) = op.attrs()["downscale_factor"], op.operands_source()[0].shape
    shape = graph.numbers(n, c, h // side, side, w // side, side)
    squares = graph.node("Reshape", operands[0], shape)
    squares = graph.node("Transpose", squares, perm=[0, 1, 3, 5, 2, 4])
    return graph.node("Reshape", squares, graph.numbers(*op.results()[0].shape))


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
    "conv2d": _convolution,
    "pad3d": _pad,
    "matmul": _matmul,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "nearest_interp": _nearest,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "reshape": _reshape,
    "flatten": _to_shape,
    "squeeze": _to_shape,
    "unsqueeze": lambda graph, x, _: graph.node("Unsqueeze", x[0], graph.numbers(*x[1])),
    "transpose": lambda graph, x, op: graph.node("Transpose", x[0], perm=op.attrs()["perm"]),
    "expand": _expand,
    "slice": _slice,
    "combine": lambda _, x, __: x,
    "concat": lambda graph, x, _: graph.node("Concat", *x[0], axis=_side(x[1])),
    "split_with_num": _split,
    "split": lambda _, x, __: x[0],
    "share_data_": lambda _, x, __: x[0],
}

"""From Paddle's traced program to OpenVINO's network, operation by operation.

Own code on purpose: paddle2onnx 2.1, the library for it, gives group norms an epsilon out of
unset memory, ends the process at an operation it does not know, and its format ends at 2 GB.
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from aa.runtime import openvino

ov = openvino.opset15

TYPES = {
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
    "INT64": np.int64,
    "INT32": np.int32,
    "BOOL": np.bool_,
}


class TranslationError(Exception):
    """The program has an operation, or a form of one, that is not in the table."""


def translate(program: Any, names: Mapping[str, str]) -> openvino.Model:
    """OpenVINO's network of a traced program, its weights as inputs under their names.

    Args:
        program: Paddle's ConcreteProgram; no side of a tensor may be left open.
        names: name in the model by the name that Paddle gave to a parameter or buffer.

    Returns:
        the network; inputs `input_0`, `input_1`, ... are the tensors of the trace in their order.

    Raises:
        TranslationError: names what cannot be translated.
    """
    known, inputs, weights = {}, [], []  # what is known of a value, by its id
    for op in program.main_program.global_block().ops:
        name = op.name().split(".")[-1]
        attributes = op.attrs()
        operands = [known[v.id] if v.initialized() else None for v in op.operands_source()]
        if name in ("data", "parameter"):
            value = op.results()[0]
            found = ov.parameter(value.shape, TYPES[value.dtype.name])
            if name == "data":
                found.set_friendly_name(f"input_{len(inputs)}")
                inputs.append(found)
            else:
                found.set_friendly_name(names[attributes["parameter_name"]])
                weights.append(found)
        elif name in TABLE:
            found = TABLE[name](operands, attributes, op.results())
        else:
            raise TranslationError(f"Paddle's operation {name} has no translation")
        # An operation has one result, or one that counts: the first; a split's are a list.
        values = op.results()
        given = cast(Any, found) if op.name() == "builtin.split" else [found]
        for value, result in zip(values, given, strict=False):
            known[value.id] = result
    results = [known[value.id] for value in program.outputs]
    # Their stubs know two classes of this name.
    return openvino.Model(results, [*inputs, *weights])  # pyright: ignore[reportGeneralTypeIssues]


def _numbers(*values):
    return ov.constant(np.array(values, np.int64))


def _side(operand):
    """The one value of a constant."""
    return np.asarray(operand).reshape(-1)[0].item()


def _like(number, operand):
    return ov.constant(np.array(number, operand.get_element_type().to_dtype()))


def _full(_, attributes, __):
    kind = TYPES[attributes["dtype"].name]
    return np.full(attributes["shape"], attributes["value"], kind)


def _assigned(_, attributes, __):
    values = np.array(attributes["values"], TYPES[attributes["dtype"].name])
    return ov.constant(values.reshape(attributes["shape"]))


def _convolution(operands, attributes, _):
    if attributes["groups"] != 1 or attributes["padding_algorithm"] != "EXPLICIT":
        raise TranslationError("a convolution with groups or padding by name")
    pads = attributes["paddings"]
    return ov.convolution(*operands, attributes["strides"], pads, pads, attributes["dilations"])


def _group_norm(operands, attributes, _):
    return ov.group_normalization(*operands, attributes["groups"], attributes["epsilon"])


def _layer_norm(operands, attributes, results):
    x, scale, bias = operands
    axes = range(attributes["begin_norm_axis"], len(results[0].shape))
    normed = ov.mvn(x, _numbers(*axes), True, attributes["epsilon"], "inside_sqrt")
    return ov.add(ov.multiply(normed, scale), bias)


def _matmul(operands, attributes, _):
    return ov.matmul(*operands, attributes["transpose_x"], attributes["transpose_y"])


def _scale(operands, attributes, _):
    x, factor = operands
    x = ov.multiply(x, _like(_side(factor), x))
    return ov.add(x, _like(attributes["bias"], x)) if attributes["bias"] else x


def _flatten(operands, _, results):
    return ov.reshape(operands[0], _numbers(*results[0].shape), False)


def _slice(operands, attributes, _):
    if attributes["decrease_axis"]:
        raise TranslationError("a slice that drops its axis")
    x, starts, stops = operands
    axes = attributes["axes"]
    return ov.slice(
        x, _numbers(*starts), _numbers(*stops), _numbers(*[1] * len(axes)), _numbers(*axes)
    )


def _split(operands, attributes, _):
    """Equal parts of a tensor along an axis.

    Those of a linear layer are separate layers, by parts of its weight: dividing what it gives
    copies all of it.
    """
    x, axis, count = operands[0], _side(operands[1]), attributes["num"]
    linear = _linear_layer(x)
    if linear is None or axis not in (-1, len(linear[0].get_partial_shape()) - 1):
        return ov.split(x, axis, count).outputs()
    tokens, weight, bias = linear
    weights, biases = (ov.split(w, -1, count).outputs() for w in (weight, bias))
    products = (ov.matmul(tokens, w, False, False) for w in weights)
    return [ov.add(product, b) for product, b in zip(products, biases, strict=True)]


def _linear_layer(x):
    """Tokens, weight and bias of which a value is the linear layer, or None."""
    if not isinstance(x, openvino.Node) or x.get_type_name() != "Add":
        return None
    product, bias = (source.get_source_output() for source in x.inputs())
    product = product.get_node()
    if product.get_type_name() != "MatMul" or bias.get_node().get_type_name() != "Parameter":
        return None
    if any(product.get_attributes()[f"transpose_{side}"] for side in "ab"):
        return None
    tokens, weight = (source.get_source_output() for source in product.inputs())
    return (tokens, weight, bias) if weight.get_node().get_type_name() == "Parameter" else None


def _expand(operands, _, __):
    """Paddle's -1 keeps a side; broadcasting both ways, so does 1."""
    shape = [1 if side == -1 else side for side in operands[1]]
    return ov.broadcast(operands[0], _numbers(*shape), broadcast_spec="BIDIRECTIONAL")


def _nearest(operands, attributes, results):
    if attributes["align_corners"]:
        raise TranslationError("nearest-neighbour resizing with aligned corners")
    size = _numbers(*results[0].shape[2:])
    return ov.interpolate(
        operands[0],
        size,
        "nearest",
        "sizes",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
        axes=_numbers(2, 3),
    )


def _arange(operands, attributes, _):
    return ov.constant(np.arange(*map(_side, operands), dtype=TYPES[attributes["dtype"].name]))


def _cast(operands, attributes, _):
    kind = openvino.Type(TYPES[attributes["dtype"].name])
    return ov.convert(operands[0], kind.get_type_name())


def _gelu(operands, attributes, _):
    return ov.gelu(operands[0], "tanh" if attributes["approximate"] else "erf")


# Operands, attributes and results of Paddle's operation -> OpenVINO's. Constants are numpy arrays
# until an operation takes them.
TABLE = {
    "full": _full,
    "full_int_array": lambda _, a, __: np.array(a["value"], np.int64),
    "assign_value_": _assigned,
    "arange": _arange,
    "add": lambda x, _, __: ov.add(*x),
    "subtract": lambda x, _, __: ov.subtract(*x),
    "multiply": lambda x, _, __: ov.multiply(*x),
    "scale": _scale,
    "exp": lambda x, _, __: ov.exp(x[0]),
    "sin": lambda x, _, __: ov.sin(x[0]),
    "cos": lambda x, _, __: ov.cos(x[0]),
    "clip": lambda x, _, __: ov.clamp(x[0], _side(x[1]), _side(x[2])),
    "cast": _cast,
    "swish": lambda x, _, __: ov.swish(x[0]),
    "silu": lambda x, _, __: ov.swish(x[0]),
    "gelu": _gelu,
    "softmax": lambda x, a, __: ov.softmax(x[0], a["axis"]),
    "mean": lambda x, a, __: ov.reduce_mean(x[0], _numbers(*x[1]), a["keepdim"]),
    "conv2d": _convolution,
    "matmul": _matmul,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "nearest_interp": _nearest,
    "pixel_shuffle": lambda x, a, __: ov.depth_to_space(x[0], "depth_first", a["upscale_factor"]),
    "pixel_unshuffle": lambda x, a, __: ov.space_to_depth(
        x[0], "depth_first", a["downscale_factor"]
    ),
    "reshape": lambda x, _, __: ov.reshape(x[0], _numbers(*x[1]), True),
    "flatten": _flatten,
    "unsqueeze": lambda x, _, __: ov.unsqueeze(x[0], _numbers(*x[1])),
    "transpose": lambda x, a, __: ov.transpose(x[0], _numbers(*a["perm"])),
    "expand": _expand,
    "slice": _slice,
    "combine": lambda x, _, __: x,
    "concat": lambda x, _, __: ov.concat(x[0], _side(x[1])),
    "split_with_num": _split,
    "split": lambda x, _, __: x[0],
    "share_data_": lambda x, _, __: x[0],
}

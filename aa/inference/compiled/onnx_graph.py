"""An ONNX graph as it is written: nodes, small constants in it, weights outside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aa.inference.compiled.patterns import prune

OPSET, FORMAT = 21, 10  # the first with GroupNormalization as it is meant; its file format
WEIGHTS = "weights"  # where weights lie, until somebody gives them a file

CODES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.bool_): TensorProto.BOOL,
}


class OnnxGraph:
    """Collects the nodes of a graph.

    A value is the name of a tensor in the graph, or a numpy array: a constant, which comes into the
    graph when a node takes it.

    Attributes:
        made: the node that makes a value, by its name.
        weights: names of the weights.
    """

    def __init__(self) -> None:
        self.made, self.weights = {}, set()
        self._nodes, self._initializers, self._inputs, self._constants = [], [], [], {}
        self._shapes = {}

    def input(self, dtype: Any, shape: Sequence[int]) -> str:
        """The next input: `input_0`, `input_1`, ..."""
        name = f"input_{len(self._inputs)}"
        self._inputs.append(helper.make_tensor_value_info(name, CODES[np.dtype(dtype)], shape))
        return name

    def weight(self, name: str, dtype: Any, shape: Sequence[int]) -> str:
        """A tensor of which the graph holds name, type and shape alone."""
        self._initializers.append(weight_tensor(name, CODES[np.dtype(dtype)], shape))
        self.weights.add(name)
        return name

    def node(self, kind: str, *operands: Any, **attributes: Any) -> str:
        """A node of one result, and its name; an operand may be None."""
        return self.split(kind, *operands, count=1, **attributes)[0]

    def split(self, kind: str, *operands: Any, count: int, **attributes: Any) -> list[str]:
        """A node of several results."""
        number = len(self._nodes)
        results = [f"{kind}_{number}" + (f"_{i}" if i else "") for i in range(count)]
        node = helper.make_node(kind, list(map(self._name, operands)), results, **attributes)
        self._nodes.append(node)
        self.made.update(dict.fromkeys(results, node))
        return results

    def shaped(self, name: str, dtype: Any, shape: Sequence[int]) -> None:
        """Say a value's shape in the graph, for those that look for patterns in it."""
        self._shapes[name] = helper.make_tensor_value_info(name, CODES[np.dtype(dtype)], shape)

    def numbers(self, *values: int) -> np.ndarray:
        """A list of whole numbers, as shapes and axes are."""
        return np.array(values, np.int64)

    def model(self, results: Sequence[tuple[Any, Any, Sequence[int]]]) -> onnx.ModelProto:
        """The whole model.

        Args:
            results: value, type and shape of what it gives, as `output_0`, `output_1`, ...
        """
        outputs = []
        for number, (value, dtype, shape) in enumerate(results):
            name = f"output_{number}"
            self._nodes.append(helper.make_node("Identity", [self._name(value)], [name]))
            outputs.append(helper.make_tensor_value_info(name, CODES[np.dtype(dtype)], shape))
        graph = helper.make_graph(
            self._nodes,
            "part",
            self._inputs,
            outputs,
            initializer=self._initializers,
            value_info=[*self._shapes.values()],
        )
        prune(graph)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=FORMAT)

    def _name(self, value):
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            tensor = numpy_helper.from_array(np.ascontiguousarray(value), self._constants[key])
            self._initializers.append(tensor)
        return self._constants[key]


def weight_tensor(name: str, kind: int, shape: Sequence[int]) -> TensorProto:
    """An initializer whose data is elsewhere; its kind is ONNX's number of a type."""
    tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=WEIGHTS)
    return tensor


def weights_as_inputs(model: onnx.ModelProto) -> None:
    """Turn the weights of a model, whose data is elsewhere, into inputs of their names."""
    graph, kept = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
        else:
            kept.append(tensor)
    del graph.initializer[:]
    graph.initializer.extend(kept)


def rename(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give a model's inputs and outputs other names, in their order."""
    pairs = zip((*model.graph.input, *model.graph.output), (*inputs, *outputs), strict=True)
    names = {}
    for value, name in pairs:
        names[value.name], value.name = name, name
    for node in model.graph.node:
        for operands in (node.input, node.output):
            operands[:] = [names.get(name, name) for name in operands]

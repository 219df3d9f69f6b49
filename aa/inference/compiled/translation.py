"""From Paddle's traced program to an ONNX model, operation by operation.

Own code on purpose: paddle2onnx 2.1, the library for it, gives group norms an epsilon out of
unset memory, ends the process at an operation it does not know, and its format ends at 2 GB.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aa.inference.compiled.onnx_graph import OnnxGraph
from aa.inference.compiled.operands import TYPES, TranslationError
from aa.inference.compiled.operations import TABLE

if TYPE_CHECKING:
    import onnx

__all__ = ["TranslationError", "translate"]

SHAPED = ("data", "parameter")  # operations whose results have their shapes where they are declared


def translate(program: Any, names: Mapping[str, str]) -> "onnx.ModelProto":
    """ONNX model of a traced program; of its weights it holds names, types and shapes.

    Args:
        program: Paddle's ConcreteProgram; no side of a tensor may be left open.
        names: name in the model by the name that Paddle gave to a parameter or buffer.

    Returns:
        the model; inputs `input_0`, `input_1`, ... are the tensors of the trace in their order, its
        results are `output_0`, ...; weights are initializers whose data is elsewhere.

    Raises:
        TranslationError: names what cannot be translated.
    """
    graph, known = OnnxGraph(), {}  # what is known of a value of the program, by its id
    for op in program.main_program.global_block().ops:
        name, results = op.name().split(".")[-1], op.results()
        if name == "data":
            found = graph.input(TYPES[results[0].dtype.name], results[0].shape)
        elif name == "parameter":
            weight, value = names[op.attrs()["parameter_name"]], results[0]
            found = graph.weight(weight, TYPES[value.dtype.name], value.shape)
        elif name in TABLE:
            operands = [known[v.id] if v.initialized() else None for v in op.operands_source()]
            found = TABLE[name](graph, operands, op)
        else:
            raise TranslationError(f"Paddle's operation {name} has no translation")
        # An operation has one result, or one that counts: the first; a split's are a list.
        given = found if op.name() == "builtin.split" else [found]
        for value, result in zip(results, given, strict=False):
            known[value.id] = result
            if isinstance(result, str) and name not in SHAPED:
                graph.shaped(result, TYPES[value.dtype.name], value.shape)
    outputs = [(known[v.id], TYPES[v.dtype.name], v.shape) for v in program.outputs]
    return graph.model(outputs)

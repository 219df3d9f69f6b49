"""Operations and tensors, as Paddle's traced program has them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "bool": 1}


@dataclass(eq=False)
class Tensor:
    """A result of an operation, an input or a parameter.

    Attributes:
        shape: values along each axis.
        item_bytes: bytes of one value.
        parameter: its name, None for what a step computes.
        needs_grad: whether the backward pass comes here.
    """

    shape: tuple
    item_bytes: int = 4
    parameter: str | None = None
    needs_grad: bool = False

    @property
    def numbers(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.numbers * self.item_bytes


@dataclass(eq=False)
class Operation:
    """One operation: `segment` is the number of the layer that recompute would drop, or None."""

    name: str
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)
    segment: int | None = None


@dataclass
class Graph:
    """Operations in the order they run, and the tensors that come from outside and go there."""

    operations: list
    results: list


def read_program(program: Any, spans: Iterable[tuple[int, int]]) -> Graph:
    """Read a program of Paddle's.

    Args:
        program: Paddle's ConcreteProgram.
        spans: (first, behind the last) operation of each layer, parameters not counted.
    """
    known, operations = {}, []
    segment_of = {i: n for n, (start, end) in enumerate(spans) for i in range(start, end)}
    number = 0
    for op in program.main_program.global_block().ops:
        name = op.name().split(".")[-1].rstrip("_")
        results = [_tensor(value, known) for value in op.results()]
        if name == "parameter":
            results[0].parameter = op.attrs()["parameter_name"]
            results[0].needs_grad = not op.results()[0].stop_gradient
            continue
        operands = [v for v in op.operands_source() if v.initialized()]  # others are optional
        inputs = [_tensor(value, known) for value in operands]
        if name == "combine":  # several values as one operand: they are the bundle
            results[0].extend(inputs)
        elif name == "split" and op.name().startswith("builtin"):  # a bundle's values by name
            inputs[0].extend(results)
        else:
            operations.append(
                Operation(name, inputs, results, _attributes(op), segment_of.get(number))
            )
        number += 1
    for operation in operations:
        operation.inputs, operation.outputs = _flat(operation.inputs), _flat(operation.outputs)
    return Graph(operations, [_tensor(value, known) for value in program.outputs])


def _tensor(value: Any, known: dict[int, Any]) -> Any:
    """The `Tensor` of Paddle's value; a list, filled by others, for a bundle of values."""
    if value.id not in known:
        if value.is_dense_tensor_type():
            kind = str(value.dtype).split(".")[-1].lower()
            known[value.id] = Tensor(tuple(value.shape), BYTES.get(kind, 4))
        else:
            known[value.id] = []
    return known[value.id]


def _flat(values: Iterable[Any]) -> list[Tensor]:
    return [t for value in values for t in (value if isinstance(value, list) else [value])]


def _attributes(op: Any) -> dict[str, Any]:
    wanted = ("transpose_x", "transpose_y")
    return {key: value for key, value in op.attrs().items() if key in wanted}

"""Operations in runs, what flows between them and until when it is read."""

from collections.abc import Iterable, Iterator, Sequence

from aa.plan.program import Operation, Tensor


def mark_gradients(operations: Iterable[Operation], backward: bool) -> None:
    """Set `needs_grad` of all results; of none where there is no backward pass."""
    for operation in operations:
        needs = backward and operation.name != "share_data"  # that is a detached one
        needs = needs and any(tensor.needs_grad for tensor in operation.inputs)
        for output in operation.outputs:
            output.needs_grad = needs


def needs_grad(unit: Iterable[Operation]) -> bool:
    """Return whether the backward pass comes through a run of operations."""
    return any(output.needs_grad for operation in unit for output in operation.outputs)


def units(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield operations in runs: those of a layer together, each other one by itself."""
    unit = []
    for operation in operations:
        if unit and (operation.segment is None or operation.segment != unit[-1].segment):
            yield unit
            unit = []
        unit.append(operation)
    yield unit


def outside(unit: Sequence[Operation]) -> list[Tensor]:
    """Tensors that a run of operations reads from others."""
    made = {tensor for operation in unit for tensor in operation.outputs}
    read = dict.fromkeys(t for operation in unit for t in operation.inputs if not t.parameter)
    return [tensor for tensor in read if tensor not in made]


def last_uses(
    operations: Iterable[Operation], results: Sequence[Tensor]
) -> dict[Operation, list[Tensor]]:
    """Map each operation to the tensors that no later one reads, without `results`."""
    last = {}
    for operation in operations:
        for tensor in (*operation.inputs, *operation.outputs):
            last[tensor] = operation
    found = {}
    for tensor, operation in last.items():
        if tensor not in results:
            found.setdefault(operation, []).append(tensor)
    return found

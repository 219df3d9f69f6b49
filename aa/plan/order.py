"""Operations in runs, what flows between them and until when it is read."""


def mark_gradients(operations, backward):
    """Set `needs_grad` of all results; of none where there is no backward pass."""
    for operation in operations:
        needs = backward and operation.name != "share_data"  # which is a detached one
        needs = needs and any(tensor.needs_grad for tensor in operation.inputs)
        for output in operation.outputs:
            output.needs_grad = needs


def needs_grad(unit):
    """Whether the backward pass comes through a run of operations."""
    return any(output.needs_grad for operation in unit for output in operation.outputs)


def units(operations):
    """Operations in runs: those of a layer together, each other one by itself."""
    unit = []
    for operation in operations:
        if unit and (operation.segment is None or operation.segment != unit[-1].segment):
            yield unit
            unit = []
        unit.append(operation)
    yield unit


def outside(unit):
    """What a run of operations reads of others."""
    made = {tensor for operation in unit for tensor in operation.outputs}
    read = dict.fromkeys(t for operation in unit for t in operation.inputs if not t.parameter)
    return [tensor for tensor in read if tensor not in made]


def last_uses(operations, results):
    """operation -> tensors that no later one reads."""
    last = {}
    for operation in operations:
        for tensor in (*operation.inputs, *operation.outputs):
            last[tensor] = operation
    found = {}
    for tensor, operation in last.items():
        if tensor not in results:
            found.setdefault(operation, []).append(tensor)
    return found

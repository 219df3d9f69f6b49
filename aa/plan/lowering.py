"""Changes to a traced graph: fused attention, no centred copies, half precision on a GPU."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from aa.plan.program import Graph, Operation, Tensor

# Automatic mixed precision, level O1 (paddle.amp): computed in half precision, always in float32,
# and everything else in float32 as soon as one of its inputs is.
HALF = {"conv2d", "matmul", "attention"}
FULL = {"group_norm", "layer_norm", "softmax", "mean", "exp", "square", "nearest_interp"}


def lower(graph: Graph, *, half: bool) -> Graph:
    """Return the graph as a GPU runs it; the given one's tensors change: it is no longer the CPU's.

    Args:
        graph: as traced, the way of the CPU.
        half: whether in float16 or bfloat16.
    """
    graph = fuse_attention(graph)
    operations = [_without_centring(operation) for operation in graph.operations]
    if half:
        operations = list(_cast(operations))
    _drop_scores(operations)
    return Graph(operations, graph.results)


def fuse_attention(graph: Graph) -> Graph:
    """Return the graph with scores, their softmax and the values' sum as one operation.

    Its gradient needs queries, keys, values and the result; no scores are kept on any device, see
    `ChunkedAttention`. The VAE's attention is the library's: it stays as it is.
    """
    made = {t: o for o in graph.operations for t in o.outputs}
    readers = {}
    for operation in graph.operations:
        for tensor in operation.inputs:
            readers.setdefault(tensor, []).append(operation)
    fused, gone = {}, set()
    for softmax in [o for o in graph.operations if o.name == "softmax"]:
        products = made.get(softmax.inputs[0]), *readers.get(softmax.outputs[0], ())
        if [getattr(p, "name", None) for p in products] == ["matmul", "matmul"]:
            first, last = cast("list[Operation]", products)
            inputs = [*first.inputs[:2], last.inputs[1]]
            scores = {"scores": softmax.outputs[0].numbers}
            fused[last] = Operation("attention", inputs, last.outputs, scores, last.segment)
            gone |= {first, softmax}
    return Graph([fused.get(o, o) for o in graph.operations if o not in gone], graph.results)


def _without_centring(operation: Operation) -> Operation:
    """A GPU's GroupNorm takes the values as they are, see `aa.models.layers.GroupNorm`."""
    if operation.name == "subtract" and operation.inputs[1].shape[-1:] == (1,):
        return _copy(operation, name="reshape", inputs=operation.inputs[:1])
    return operation


def _cast(operations: list[Operation]) -> Iterator[Operation]:
    """Yield operations with casts in front, results in the precision that they have."""
    biases = _linear_biases(operations)
    for operation in operations:
        floats = [t for t in operation.inputs if t.item_bytes in (2, 4)]
        half = operation.name in HALF or operation in biases
        full = operation.name in FULL or any(t.item_bytes == 4 for t in floats)
        item_bytes = 2 if half or not full else 4
        inputs = []
        for tensor in operation.inputs:
            if tensor.item_bytes in (2, 4) and tensor.item_bytes != item_bytes:
                cast = Tensor(tensor.shape, item_bytes)
                yield Operation("cast", [tensor], [cast], segment=operation.segment)
                tensor = cast
            inputs.append(tensor)
        for output in operation.outputs:
            if output.item_bytes in (2, 4):
                output.item_bytes = item_bytes
        yield _copy(operation, inputs=inputs)


def _linear_biases(operations: list[Operation]) -> set[Operation]:
    """The sums that are a Linear's bias: one operation with its product, in its precision."""
    products = {t for o in operations if o.name == "matmul" for t in o.outputs}
    return {
        o
        for o in operations
        if o.name == "add"
        and o.inputs[0] in products
        and o.inputs[1].parameter
        and len(o.inputs[1].shape) == 1
    }


def _drop_scores(operations: Iterable[Operation]) -> None:
    """Count no memory for the scores that are left, the VAE's: Paddle has fused kernels.

    In half precision flash attention from compute capability 8.0 on, else the memory-efficient one.
    """
    made = {t: o for o in operations for t in o.outputs}
    for operation in operations:
        if operation.name != "softmax":
            continue
        for tensor in (*operation.inputs, *operation.outputs):
            tensor.item_bytes = 0
            source = made[tensor]
            if source.name == "cast":
                source.inputs[0].item_bytes = 0
    for operation in operations:  # casts of scores
        if operation.name == "cast" and operation.inputs[0].item_bytes == 0:
            operation.outputs[0].item_bytes = 0


def _copy(operation: Operation, **changes: Any) -> Operation:
    values = {**vars(operation), **changes}
    return Operation(**values)

"""Operations and bytes moved of a training step, and the least time a device takes for them."""

from dataclasses import dataclass, field

from aa.plan.program import Graph, Operation
from aa.plan.rules import VIEWS, kept, multiplications

UPDATE = {"AdamW": 7, "average": 3}  # values read and written for each that trains


@dataclass(frozen=True)
class Rates:
    """Peak rates of a device.

    Attributes:
        flops: floating-point operations a second; a multiplication with its addition is two.
        bytes: of its memory, read or written in a second.
    """

    flops: float
    bytes: float


@dataclass
class Cost:
    """The work of one device.

    Attributes:
        parts: (floating-point operations, bytes moved) of each operation.
        repeated: floating-point operations that recompute does a second time.
    """

    parts: list = field(default_factory=list)
    repeated: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parts + other.parts, self.repeated + other.repeated)

    @property
    def flops(self) -> float:
        return sum(flops for flops, _ in self.parts)

    @property
    def bytes(self) -> float:
        return sum(moved for _, moved in self.parts)

    @property
    def model_flops(self) -> float:
        """Without what recompute repeats, as model FLOPs utilisation has it (PaLM, appendix B)."""
        return self.flops - self.repeated

    def seconds(self, rates: Rates) -> float:
        """The least that it takes: each operation waits for its values or for its arithmetic."""
        return sum(max(f / rates.flops, moved / rates.bytes) for f, moved in self.parts)


def graph_work(graph: Graph, *, recompute: bool = False) -> Cost:
    """Count the work of a graph; `mark_gradients` has set which of its tensors want gradients.

    Going back, an operation multiplies once for each factor that wants a gradient. Every operation
    reads its inputs and writes its results; its gradient reads what was kept and what comes back.
    """
    work = Cost()
    for operation in graph.operations:
        flops, moved = 2 * multiplications(operation), _moved(operation)
        work.parts.append((flops, moved))
        if not any(output.needs_grad for output in operation.outputs):
            continue
        if recompute and operation.segment is not None:
            work.parts.append((flops, moved))
            work.repeated += flops
        factors = sum(t.needs_grad for t in operation.inputs[:2])
        work.parts.append((flops * factors, _moved_back(operation)))
    return work


def forward_work(graph: Graph) -> Cost:
    """Count the work of a graph that nobody learns from."""
    return Cost([(2 * multiplications(op), _moved(op)) for op in graph.operations])


def update_work(trained: int, *, averaged: bool, shards: int = 1) -> Cost:
    """Count the work of AdamW, split over so many shards, and of the average.

    Args:
        trained: bytes of the parameters that train, float32.
        averaged: whether a moving average is kept.
        shards: devices that share the optimizer's state.
    """
    numbers = UPDATE["AdamW"] / shards + (UPDATE["average"] if averaged else 0)
    return Cost([(0, numbers * trained)])


def _moved(operation: Operation) -> int:
    if operation.name in VIEWS or operation.name == "data":  # an input that is there already
        return 0
    return sum(t.bytes for t in (*operation.inputs, *operation.outputs))


def _moved_back(operation: Operation) -> int:
    if operation.name in VIEWS:
        return 0
    read = {*kept(operation), *operation.outputs[:1]}
    return sum(t.bytes for t in read) + sum(t.bytes for t in operation.inputs if t.needs_grad)

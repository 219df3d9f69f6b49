"""What a training step calculates and moves, and how long a device takes for it at best."""

from dataclasses import dataclass, field

from aa.plan.rules import VIEWS, kept, multiplications

UPDATE = {"AdamW": 7, "average": 3}  # numbers read and written for each that trains


@dataclass(frozen=True)
class Rates:
    """What a device does at most.

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

    def __add__(self, other):
        return Cost(self.parts + other.parts, self.repeated + other.repeated)

    @property
    def flops(self):
        return sum(flops for flops, _ in self.parts)

    @property
    def bytes(self):
        return sum(moved for _, moved in self.parts)

    @property
    def model_flops(self):
        """Without what recompute repeats, as model FLOPs utilisation has it (PaLM, appendix B)."""
        return self.flops - self.repeated

    def seconds(self, rates):
        """The least that it takes: each operation waits for its numbers or for its arithmetic."""
        return sum(max(f / rates.flops, moved / rates.bytes) for f, moved in self.parts)


def graph_work(graph, *, recompute=False):
    """The `Cost` of a graph; `mark_gradients` has said which of its tensors want gradients.

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


def update_work(trained, *, averaged, shards=1):
    """The `Cost` of AdamW, split over so many shards, and of the average.

    Args:
        trained: bytes of the parameters that train, float32.
        averaged: whether a moving average is kept.
        shards: devices that share the optimizer's state.
    """
    numbers = UPDATE["AdamW"] / shards + (UPDATE["average"] if averaged else 0)
    return Cost([(0, numbers * trained)])


def _moved(operation):
    if operation.name in VIEWS or operation.name == "data":  # an input that is there already
        return 0
    return sum(t.bytes for t in (*operation.inputs, *operation.outputs))


def _moved_back(operation):
    if operation.name in VIEWS:
        return 0
    read = {*kept(operation), *operation.outputs[:1]}
    return sum(t.bytes for t in read) + sum(t.bytes for t in operation.inputs if t.needs_grad)

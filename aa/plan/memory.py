"""The memory of one training step: every tensor of its graph from its making to its last use."""

from collections.abc import Iterable, Sequence

from aa.plan.order import last_uses, mark_gradients, needs_grad, outside, units
from aa.plan.program import Graph, Operation, Tensor
from aa.plan.rules import VIEWS, kept, workspace


class _Storage:
    """Memory that lives while somebody holds it."""

    def __init__(self, size: int) -> None:
        self.size, self.holders = size, 0


class StepMemory:
    """Bytes of activations and gradients while a step runs, in the order in which Paddle runs it.

    Args:
        backward: whether gradients are taken.
        recompute: whether the layers' activations are dropped and computed again.

    Attributes:
        peak: the most bytes at one time, without weights, their gradients and optimizer state,
            which stay from step to step.
        kept: bytes that the forward pass leaves for the backward pass.
    """

    def __init__(self, graph: Graph, *, backward: bool = True, recompute: bool = False) -> None:
        self.now = self.peak = 0
        self._storages, self._gradients = {}, {}
        self._held = {}  # operation -> storages of what its gradient needs
        operations = graph.operations
        mark_gradients(operations, backward)
        self._units = list(units(operations)) if recompute else [[op] for op in operations]
        self._last = last_uses(operations, graph.results)
        self._forward()
        self.kept = self.now
        if backward:
            self._backward(graph.results)

    def _forward(self) -> None:
        for unit in self._units:
            dropped = len(unit) > 1 and needs_grad(unit)
            if dropped:
                self._hold(unit[0], outside(unit))
            for operation in unit:
                self._run(operation, keep=not dropped)
                self._release_used(operation)

    def _run(self, operation: Operation, *, keep: bool) -> None:
        """Make the results of an operation, and hold what its gradient needs."""
        for output in operation.outputs:
            if operation.name in VIEWS:
                self._view(operation, output)
            else:
                self._make(output)
        self._note(workspace(operation))
        if keep and any(output.needs_grad for output in operation.outputs):
            self._hold(operation, kept(operation))

    def _view(self, operation: Operation, output: Tensor) -> None:
        """Let the result lie in the memory of the input."""
        storage = self._storages.get(operation.inputs[0])
        self._storages[output] = storage
        self._take(storage)

    def _make(self, tensor: Tensor) -> None:
        storage = _Storage(tensor.bytes)
        self._storages[tensor] = storage
        self.now += storage.size
        self._take(storage)
        self._note(0)

    def _note(self, more: int) -> None:
        self.peak = max(self.peak, self.now + more)

    def _take(self, storage: _Storage | None) -> None:
        if storage:  # parameters and inputs are counted elsewhere
            storage.holders += 1

    def _drop(self, storage: _Storage | None) -> None:
        if storage:
            storage.holders -= 1
            if storage.holders == 0:
                self.now -= storage.size

    def _hold(self, operation: Operation, tensors: Iterable[Tensor]) -> None:
        storages = [self._storages.get(tensor) for tensor in tensors]
        for storage in storages:
            self._take(storage)
        self._held[operation] = storages

    def _let_go(self, operation: Operation) -> None:
        for storage in self._held.pop(operation, ()):
            self._drop(storage)

    def _release_used(self, operation: Operation) -> None:
        """Drop what no later operation of the forward pass reads."""
        for tensor in self._last.get(operation, ()):
            self._drop(self._storages.get(tensor))

    def _backward(self, results: Iterable[Tensor]) -> None:
        for result in results:
            self._give(result)
        for unit in reversed(self._units):
            if len(unit) > 1 and needs_grad(unit):
                self._again(unit)
            for operation in reversed(unit):
                self._gradient(operation)
            self._let_go(unit[0])

    def _again(self, unit: Sequence[Operation]) -> None:
        """Compute a dropped layer again, this time keeping what its gradient needs."""
        begun_with, last = self._held.pop(unit[0]), last_uses(unit, ())
        made = {tensor for operation in unit for tensor in operation.outputs}
        for operation in unit:
            self._run(operation, keep=True)
            for tensor in made.intersection(last.get(operation, ())):
                self._drop(self._storages.get(tensor))
        for storage in begun_with:
            self._drop(storage)

    def _gradient(self, operation: Operation) -> None:
        arrived = [t for t in operation.outputs if t in self._gradients]
        if arrived:
            moved = operation.name in VIEWS
            for tensor in operation.inputs:
                if tensor.needs_grad:
                    self._give(tensor, moved=self._gradients[arrived[0]] if moved else None)
            self._note(workspace(operation))
            for tensor in arrived:
                self._drop(self._gradients.pop(tensor))
        self._let_go(operation)

    def _give(self, tensor: Tensor, *, moved: _Storage | None = None) -> None:
        """A gradient for a tensor: new, in the memory of another, or added to one that is there."""
        if tensor.parameter:  # added to one that stays from step to step, and thrown away
            self._note(tensor.bytes)
            return
        storage = moved or _Storage(tensor.bytes)
        if not moved:
            self.now += storage.size
        self._take(storage)
        self._note(0)
        if tensor not in self._gradients:
            self._gradients[tensor] = storage
            return
        self._note(tensor.bytes)  # the sum is a new tensor
        self._drop(storage)
        if moved or self._gradients[tensor].holders > 1:
            self._drop(self._gradients.pop(tensor))
            self._gradients[tensor] = _Storage(tensor.bytes)
            self.now += tensor.bytes
            self._take(self._gradients[tensor])

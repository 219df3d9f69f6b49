"""What an engine holds of tensors that many calls share: as long as these live, and no longer."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import paddle

    from aa.inference.compiled.engines import Engine
    from aa.models.attention import Condition


class Shared(NamedTuple):
    """A tensor, whose memory is used, and what an engine holds of it."""

    tensor: paddle.Tensor
    array: Any


class _Entry(NamedTuple):
    of: list[weakref.ref]
    shared: list[Shared]


class Holder:
    """Gives tensors to an engine once: nothing is copied where it computes on the host."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._entries: dict[str, _Entry] = {}

    def share(self, tensor: paddle.Tensor) -> Shared:
        """What the engine holds of a tensor, as long as the result lives."""
        from aa.inference.compiled.graphs import shared_array

        own = tensor.detach().contiguous()
        return Shared(own, self.engine.hold(shared_array(own)))

    def hold(
        self,
        name: str,
        of: Sequence[paddle.Tensor],
        tensors: Callable[[], Iterable[paddle.Tensor]],
    ) -> list[Any]:
        """What the engine holds of `tensors()`, made once, for the last `of` under a name.

        Args:
            of: what `tensors()` are made of; when it is gone, they are let go.
        """
        entry = self._entries.get(name)
        if entry is None or [id(ref()) for ref in entry.of] != [id(x) for x in of]:
            let_go = partial(_let_go, self._entries, name)
            entry = _Entry([weakref.ref(x, let_go) for x in of], [*map(self.share, tensors())])
            self._entries[name] = entry
        return [shared.array for shared in entry.shared]


def of_each(*samples: Sequence[Condition]) -> list[paddle.Tensor]:
    """A tensor of each sample's conditions, which live and go together."""
    return [conditions[0].image_token for conditions in samples]


def _let_go(entries: dict[str, _Entry], name: str, dead: weakref.ref) -> None:
    entry = entries.get(name)
    if entry is not None and any(ref is dead for ref in entry.of):
        entries.pop(name, None)

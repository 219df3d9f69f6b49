"""How the layers of a network are run in training: each at once, or again going backward."""

from collections.abc import Callable
from typing import Any

from paddle.distributed.fleet.utils import recompute

RunLayer = Callable[..., Any]  # (layer, *its arguments) -> its results


def directly(layer: Callable[..., Any], *arguments: Any) -> Any:
    """Run a layer; its activations stay for the backward pass."""
    return layer(*arguments)


def recomputed(layer: Callable[..., Any], *arguments: Any) -> Any:
    """Run a layer whose activations are dropped, and computed again going backward."""
    return recompute(layer, *arguments, use_reentrant=False)

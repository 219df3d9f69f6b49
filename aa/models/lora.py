"""Low-rank adapters on the projections of attentions (LoRA, arXiv 2106.09685).

An adapter of rank r adds B A x to a projection W x: A is [r, in] and starts as a layer does, B is
[out, r] and starts at zero, so that nothing changes at the start. There is no further factor: W +
B A is the merged weight.
"""

from collections.abc import Iterable, Iterator

import paddle
from paddle import nn

from aa.models.layers import Linear

PROJECTIONS = (".to_q", ".to_k", ".to_v", ".to_out", ".to_out.0")  # in spatial and motion modules
PARTS = (".lora_A.weight", ".lora_B.weight")


def projections(model: nn.Layer) -> dict[str, Linear]:
    """Name and layer of every projection of an attention, in the order of the parameters."""
    layers = model.named_sublayers()
    return {n: sub for n, sub in layers if isinstance(sub, Linear) and n.endswith(PROJECTIONS)}


def add_adapters(layers: Iterable[Linear], rank: int) -> None:
    """Give layers adapters; those of a model without memory get some without memory too."""
    for layer in layers:
        assert layer.lora_A is None, "a layer has one adapter"
        if layer.weight._is_initialized():
            layer.add_adapter(rank)
        else:
            with paddle.LazyGuard():
                layer.add_adapter(rank)


def is_adapter(name: str) -> bool:
    """Return whether a parameter of this name is an adapter's."""
    return name.endswith(PARTS)


def adapters(model: nn.Layer) -> Iterator[tuple[str, paddle.Tensor]]:
    """Yield name and parameter of the halves of all adapters, A and B in turn."""
    return ((name, p) for name, p in model.named_parameters() if is_adapter(name))

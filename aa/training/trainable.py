"""The parameters that a stage trains, by patterns of their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aa.config.patterns import chosen_names
from aa.errors import UserError
from aa.models.lora import adapters, add_adapters, projections

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone
    from aa.models.unet import UNet


def idle_parameters(model: AnimateAnyone) -> set[str]:
    """Names of parameters that exist for their published weights but cannot change a result.

    The cross-attention has one token, so queries, keys and the norm before them do not matter; the
    reference network stops at the first norm of its last block.
    """
    names = [name for name, _ in model.named_parameters()]
    if model.config.architecture == "sd15":
        unread = (".attn2.to_q.", ".attn2.to_k.", ".norm2.")
        idle = {n for n in names if ".transformer_blocks." in n and any(u in n for u in unread)}
    else:
        idle = set()
    prefix, transformer = _last_attention(model.reference_unet)
    prefix = f"reference_unet.{prefix}."
    kept = tuple(prefix + part for part in transformer.reference_parts)
    return idle | {n for n in names if n.startswith(prefix) and not n.startswith(kept)}


def _last_attention(unet: UNet) -> tuple[str, Any]:
    """Name and layer of the last spatial transformer that runs."""
    levels = [(f"up_blocks.{i}", level) for i, level in enumerate(unet.up_blocks)]
    for name, level in reversed([("mid_block", unet.mid_block), *levels]):
        if level.has_attention:
            last = len(level.attentions) - 1
            return f"{name}.attentions.{last}", level.attentions[last]
    raise AssertionError("the middle level always has attention")


def set_trainable(model: AnimateAnyone, patterns: Sequence[str]) -> list[str]:
    """Let exactly the parameters that match train, idle ones excepted.

    Args:
        patterns: shell patterns of parameter names; "!" in front takes names away again.

    Returns:
        the names that train, sorted.

    Raises:
        UserError: a pattern matches nothing.
    """
    parameters = dict(model.named_parameters())
    for pattern in patterns:
        if not chosen_names(parameters, [pattern.removeprefix("!")]):
            raise UserError(
                f"stage.trainable: no parameter matches {pattern!r}; names look like "
                f"{next(iter(parameters))}."
            )
    chosen = chosen_names(parameters, patterns) - idle_parameters(model)
    if not chosen:
        raise UserError(
            f"stage.trainable={list(patterns)} chooses no parameter that can change the result."
        )
    for name, parameter in parameters.items():
        parameter.stop_gradient = name not in chosen
    return sorted(chosen)


def set_adapters(model: AnimateAnyone, patterns: Sequence[str], rank: int) -> list[str]:
    """Give the attentions' projections that match adapters, and let exactly these train.

    Args:
        patterns: see `set_trainable`; what else they match stays as it is.
        rank: of every adapter.

    Returns:
        the names that train, sorted.

    Raises:
        UserError: no projection matches, or one is too narrow for the rank.
    """
    chosen = set(set_trainable(model, patterns))
    layers = {n: x for n, x in projections(model).items() if f"{n}.weight" in chosen}
    if not layers:
        raise UserError(
            f"stage.lora_rank={rank}: stage.trainable={list(patterns)} matches no projection of an "
            "attention (to_q, to_k, to_v, to_out), which are what gets adapters."
        )
    narrowest = min(layers, key=lambda name: min(layers[name].weight.shape))
    width = min(layers[narrowest].weight.shape)
    if rank > width:
        raise UserError(
            f"stage.lora_rank={rank}: {narrowest} is {width} wide; choose {width} or less."
        )
    add_adapters(layers.values(), rank)
    trained = {name for name, _ in adapters(model)}
    for name, parameter in model.named_parameters():
        parameter.stop_gradient = name not in trained
    return sorted(trained)


def choose_parameters(model: AnimateAnyone, patterns: Sequence[str], lora_rank: int) -> list[str]:
    """Let the parameters of a stage train: those that match, or adapters on them."""
    if lora_rank:
        return set_adapters(model, patterns, lora_rank)
    return set_trainable(model, patterns)

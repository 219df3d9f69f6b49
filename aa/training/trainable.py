"""Which parameters a stage trains, by patterns of their names."""

from fnmatch import fnmatchcase

from aa.errors import UserError


def idle_parameters(model):
    """Names of parameters that exist for their published weights but cannot change a result.

    The cross-attention has one token, so queries, keys and the norm before them do not matter; the
    reference network stops at the first norm of its last block.
    """
    names = [name for name, _ in model.named_parameters()]
    idle = [n for n in names if ".attn2.to_q." in n or ".attn2.to_k." in n or ".norm2." in n]
    idle = {n for n in idle if ".transformer_blocks." in n}
    last = len(model.reference_unet.up_blocks) - 1
    end = len(model.reference_unet.up_blocks[last].attentions) - 1
    prefix = f"reference_unet.up_blocks.{last}.attentions.{end}."
    kept = ("norm.", "proj_in.", "transformer_blocks.0.norm1.")
    return idle | {
        n for n in names if n.startswith(prefix) and not n.removeprefix(prefix).startswith(kept)
    }


def set_trainable(model, patterns):
    """Let exactly the parameters that match train, idle ones excepted.

    Args:
        model: an `AnimateAnyone`.
        patterns: shell patterns of parameter names; "!" in front takes names away again.

    Returns:
        the names that train, sorted.

    Raises:
        UserError: a pattern matches nothing.
    """
    parameters = dict(model.named_parameters())
    chosen = set()
    for pattern in patterns:
        matches = {n for n in parameters if fnmatchcase(n, pattern.removeprefix("!"))}
        if not matches:
            raise UserError(
                f"stage.trainable: no parameter matches {pattern!r}; names look like "
                f"{next(iter(parameters))}."
            )
        chosen = chosen - matches if pattern.startswith("!") else chosen | matches
    chosen -= idle_parameters(model)
    if not chosen:
        raise UserError(
            f"stage.trainable={list(patterns)} chooses no parameter that can change the result."
        )
    for name, parameter in parameters.items():
        parameter.stop_gradient = name not in chosen
    return sorted(chosen)

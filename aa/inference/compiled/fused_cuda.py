"""A graph in the forms that ONNX Runtime's CUDA provider computes fastest; it computes the same."""

import onnx

from aa.inference.compiled import feature_maps, token_sums
from aa.inference.compiled.patterns import prune, replace

# In this order: what one leaves, the next looks for.
PASSES = {
    "group norms": ("GroupNormalization", feature_maps.group_norm),
    "residuals of convolutions": ("Add", feature_maps.residual),
    "pointwise convolutions": ("Conv", feature_maps.pointwise),
    "gated linear units": ("Gelu", token_sums.gated),
    "parts of products": ("Slice", token_sums.part_of_product),
    "layer norms of sums": ("LayerNormalization", token_sums.norm_of_sum),
    "layer norms of linear layers": ("LayerNormalization", token_sums.norm_of_linear),
    "residuals of tokens": ("Add", token_sums.residual),
}


def fuse_for_cuda(model: onnx.ModelProto) -> dict[str, int]:
    """Put operations that only this provider has in place of the ONNX ones that make them up.

    Channels come last where they can: convolutions are fastest so, and transposes between such
    nodes cancel.

    Returns:
        how many of each pattern there were.
    """
    found = {name: replace(model, *how) for name, how in PASSES.items()}
    prune(model.graph)
    return found

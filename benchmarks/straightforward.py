"""The networks without any of our economies: what the benchmarks compare with.

The weights and the results are the same. Every cross-attention compares its one token with all
queries, attention holds all of its scores, and guidance is one call on twice the frames: reference
tokens are tiled over all of them and projected in every call, and the unconditional half attends
to its own tokens in a second attention, after it has attended to the reference for nothing.
"""

from functools import partial

import paddle
import paddle.nn.functional as F


def attend(layer, x, context=None):
    """Attention of x [N, L, C] to a context [N, S, D], itself if not given."""
    context = x if context is None else context
    query, key, value = layer.to_q(x), layer.to_k(context), layer.to_v(context)
    width = query.shape[2] // layer.heads
    query, key, value = (
        t.reshape([0, 0, layer.heads, width]).transpose([0, 2, 1, 3]) for t in (query, key, value)
    )
    scores = paddle.matmul(query, key, transpose_y=True) * width**-0.5
    out = F.softmax(scores) @ value
    return layer.to_out[0](out.transpose([0, 2, 1, 3]).flatten(2))


def temporal_attend(layer, x):
    """`TemporalAttention` on [places, F, C]."""
    return attend(layer, layer.pos_encoder(x))


def guided_block(layer, x, condition, reference_mask=None):
    """A transformer block on both halves of guidance, [2 * F, L, C], the unconditional one first.

    `condition` has the image embeddings of both halves [2, 1, D] and the reference tokens
    [1, L, C], nothing projected.
    """
    image_embeds, reference, _ = condition
    count, half = x.shape[0], x.shape[0] // 2
    h = layer.norm1(x)
    both = attend(layer.attn1, h, paddle.concat([h, reference.tile([count, 1, 1])], axis=1))
    alone = attend(layer.attn1, h[:half])
    x = x + paddle.concat([alone, both[half:]])
    tokens = image_embeds.repeat_interleave(half, axis=0)
    x = x + attend(layer.attn2, layer.norm2(x), tokens)
    return x + layer.ff(layer.norm3(x)), h


def plain_group_norm(layer, x):
    """Paddle's own group norm."""
    return F.group_norm(x, layer._num_groups, layer._epsilon, layer.weight, layer.bias)


def make_straightforward(model):
    """Let the denoiser of an `AnimateAnyone` compute that way; see `guided_prediction`."""
    from aa.models.attention import SpatialTransformerBlock
    from aa.models.layers import GroupNorm
    from aa.models.motion import TemporalAttention

    ways = {
        SpatialTransformerBlock: guided_block,
        TemporalAttention: temporal_attend,
        GroupNorm: plain_group_norm,
    }
    for layer in model.denoising_unet.sublayers():
        if type(layer) in ways:
            layer.forward = partial(ways[type(layer)], layer)


def guided_prediction(model, latents, timesteps, image_embeds, reference, pose_features, scale):
    """Guidance in one call: see `AnimateAnyone.denoise_pair`, which makes two."""
    from aa.models.attention import Condition

    embeds = paddle.concat([paddle.zeros_like(image_embeds), image_embeds])
    conditions = [Condition(embeds, tokens) for tokens in reference]
    both = model.denoising_unet(
        paddle.concat([latents, latents]),
        paddle.concat([timesteps, timesteps]),
        conditions,
        pose_features=paddle.concat([pose_features, pose_features]),
    )
    unconditional, conditional = both.chunk(2)
    return unconditional + scale * (conditional - unconditional)

"""Attention layers: tokens to tokens, tokens to the one image token, tokens across frames."""

from collections.abc import Iterable
from typing import NamedTuple

import paddle
import paddle.nn.functional as F
from einops import rearrange
from paddle import nn

from aa.models.chunked_attention import ChunkedAttention
from aa.models.layers import Conv2D, GroupNorm, LayerNorm, Linear, on_gpu


def repeat_frames(x: paddle.Tensor, batch: int) -> paddle.Tensor:
    """Repeat every entry of x [B, ...] for its frames: [batch, ...] with batch = B * F."""
    frames = batch // x.shape[0]
    if frames == 1:
        return x
    return x.unsqueeze(1).expand([-1, frames, *x.shape[1:]]).flatten(0, 1)


def multi_head_attention(
    query: paddle.Tensor, key: paddle.Tensor, value: paddle.Tensor, heads: int
) -> paddle.Tensor:
    """Attention of query [B, L, C] to key and value [B, S, C] in `heads` heads: [B, L, C].

    On a GPU the fused kernel; on a CPU part by part, see `ChunkedAttention`.
    """
    if on_gpu(query):
        q, k, v = (rearrange(x, "b l (n d) -> b l n d", n=heads) for x in (query, key, value))
        return rearrange(F.scaled_dot_product_attention(q, k, v), "b l n d -> b l (n d)")
    query, key, value = (rearrange(x, "b l (n d) -> b n l d", n=heads) for x in (query, key, value))
    query = query * query.shape[3] ** -0.5
    if paddle.in_dynamic_mode():
        flat = (rearrange(x, "b n l d -> (b n) l d") for x in (query, key, value))
        out = rearrange(ChunkedAttention.apply(*flat), "(b n) l d -> b n l d", n=heads)
    else:  # traced, nothing is held, and parts would be operations
        out = F.softmax(query @ key.transpose([0, 1, 3, 2])) @ value
    return rearrange(out, "b n l d -> b l (n d)")


class Condition(NamedTuple):
    """A character as an attention block sees it: the same at all steps and in all frames.

    Attributes:
        image_token: what the image embedding adds to every token, [B, 1, C].
        key, value: of the reference tokens, [R, S, C]: of the first R samples, the others have no
            reference; None where no sample has one.
    """

    image_token: paddle.Tensor
    key: paddle.Tensor | None = None
    value: paddle.Tensor | None = None


def guidance_pair(
    conditional: Iterable[Condition], unconditional: Iterable[Condition]
) -> list[Condition]:
    """Stack conditional and unconditional conditions into those of one batch of two."""
    return [
        Condition(paddle.concat([c.image_token, u.image_token]), c.key, c.value)
        for c, u in zip(conditional, unconditional, strict=True)
    ]


def attend_with_reference(
    query: paddle.Tensor,
    key: paddle.Tensor,
    value: paddle.Tensor,
    condition: Condition | None,
    keep: paddle.Tensor | None,
    heads: int,
) -> paddle.Tensor:
    """Attention of tokens [B*F, L, C] to themselves and to the reference: [B*F, L, C].

    Args:
        query, key, value: of the tokens.
        keep: bool [R], False where a sample goes without its reference; None: all keep theirs.
    """
    if condition is None or condition.key is None:
        return multi_head_attention(query, key, value, heads)
    batch = query.shape[0]
    # So many of B*F have a reference: the first.
    first = batch // condition.image_token.shape[0] * condition.key.shape[0]
    if first == batch:
        key, value = _with_reference(key, value, condition, keep)
        return multi_head_attention(query, key, value, heads)
    both = _with_reference(key[:first], value[:first], condition, keep)
    with_reference = multi_head_attention(query[:first], *both, heads=heads)
    alone = multi_head_attention(query[first:], key[first:], value[first:], heads=heads)
    return paddle.concat([with_reference, alone])


def _with_reference(key, value, condition, keep):
    """A token's own keys and values [B*F, L, C], and behind them those of the reference.

    Where `keep` is False, its own come twice: attending twice to one's own tokens is attending
    once, exactly "no reference".
    """
    both, batch = [], key.shape[0]
    for own, other in ((key, condition.key), (value, condition.value)):
        other = repeat_frames(other, batch)
        if keep is not None:
            other = paddle.where(repeat_frames(keep, batch).reshape([-1, 1, 1]), other, own)
        both.append(paddle.concat([own, other], 1))
    return both


class Attention(nn.Layer):
    """Multi-head attention under the published names: to_q, to_k, to_v, to_out.0.

    Args:
        channels: width C of the queries and of the result.
        heads: number of heads; C must be a multiple of it.
        context_channels: width of keys' and values' source, C if not given.
    """

    def __init__(self, channels: int, heads: int, context_channels: int | None = None) -> None:
        super().__init__()
        context_channels = context_channels or channels
        self.heads = heads
        self.to_q = Linear(channels, channels, bias=False)
        self.to_k = Linear(context_channels, channels, bias=False)
        self.to_v = Linear(context_channels, channels, bias=False)
        self.to_out = nn.LayerList([Linear(channels, channels)])

    def forward(
        self,
        x: paddle.Tensor,
        condition: Condition | None = None,
        keep: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Attend from x [B*F, L, C] to x itself and to the reference of a `Condition`.

        `keep`: see `attend_with_reference`.
        """
        tokens = self.to_q(x), self.to_k(x), self.to_v(x)
        return self.to_out[0](attend_with_reference(*tokens, condition, keep, self.heads))

    def attend_one(self, token: paddle.Tensor) -> paddle.Tensor:
        """Result of attending to the single token [B, 1, D]: [B, 1, C], the same for all queries.

        A softmax over one score is 1, so queries, keys and scores do not matter.
        """
        return self.to_out[0](self.to_v(token))


class GEGLU(nn.Layer):
    """Gated linear unit with GELU (arXiv 2002.05202)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.proj = Linear(channels, inner * 2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x, gate = self.proj(x).chunk(2, axis=-1)
        return x * F.gelu(gate)


class FeedForward(nn.Layer):
    """Per-token GEGLU network C -> 4C -> C. Index 1 of `net` is the published, empty dropout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels * 4
        self.net = nn.LayerList([GEGLU(channels, inner), nn.Identity(), Linear(inner, channels)])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.net[2](self.net[0](x))


class SpatialTransformerBlock(nn.Layer):
    """Self-attention with reference tokens, image embedding, feed-forward (arXiv 2311.17117, 3.2).

    The cross-attention sees one token, so `attn2.to_q`, `attn2.to_k` and `norm2` exist for their
    published weights only.
    """

    def __init__(self, channels: int, heads: int, context_channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (LayerNorm(channels) for _ in range(3))
        self.attn1 = Attention(channels, heads)
        self.attn2 = Attention(channels, heads, context_channels)
        self.ff = FeedForward(channels)

    def condition(
        self, image_embeds: paddle.Tensor, reference: paddle.Tensor | None = None
    ) -> Condition:
        """The `Condition` of image embeddings [B, 1, D] and reference tokens [B, S, C] or None."""
        token = self.attn2.attend_one(image_embeds)
        if reference is None:
            return Condition(token)
        return Condition(token, self.attn1.to_k(reference), self.attn1.to_v(reference))

    def forward(
        self,
        x: paddle.Tensor,
        condition: Condition,
        reference_mask: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Run the block and return what the other network may refer to.

        Args:
            x: tokens [B*F, L, C].
            condition: what `condition` gave.
            reference_mask: bool [B], False where a sample goes without; None: all keep theirs.

        Returns:
            tokens [B*F, L, C] and this block's first norm [B*F, L, C].
        """
        h = self.norm1(x)
        x = x + self.attn1(h, condition, reference_mask)
        x = x + repeat_frames(condition.image_token, x.shape[0])
        return x + self.ff(self.norm3(x)), h


class SpatialTransformer(nn.Layer):
    """A transformer block over the tokens of a feature map, as a residual (SD1.5)."""

    reference_parts = ("norm.", "proj_in.", "transformer_blocks.0.norm1.")  # of the last block

    def __init__(
        self, channels: int, heads: int, context_channels: int, *, norm_groups: int
    ) -> None:
        super().__init__()
        self.norm = GroupNorm(norm_groups, channels, epsilon=1e-6)
        self.proj_in = Conv2D(channels, channels, 1)
        self.transformer_blocks = nn.LayerList(
            [SpatialTransformerBlock(channels, heads, context_channels)]
        )
        self.proj_out = Conv2D(channels, channels, 1)

    def tokens(self, x: paddle.Tensor) -> paddle.Tensor:
        """Feature map [B*F, C, h, w] as projected tokens [B*F, L, C]."""
        return rearrange(self.proj_in(self.norm(x)), "b c h w -> b (h w) c")

    def reference_tokens(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return only what the other network reads of this block: its first norm [B, L, C]."""
        return self.transformer_blocks[0].norm1(self.tokens(x))

    def condition(
        self, image_embeds: paddle.Tensor, reference: paddle.Tensor | None = None
    ) -> Condition:
        """The `Condition` of this block; see there."""
        return self.transformer_blocks[0].condition(image_embeds, reference)

    def forward(
        self,
        x: paddle.Tensor,
        condition: Condition,
        reference_mask: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """x [B*F, C, h, w] -> (x [B*F, C, h, w], first norm [B*F, L, C]); see the block."""
        h, feature = self.transformer_blocks[0](self.tokens(x), condition, reference_mask)
        return x + self.proj_out(rearrange(h, "b (h w) c -> b c h w", h=x.shape[2])), feature

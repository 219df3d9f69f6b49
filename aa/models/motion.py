"""Motion modules: attention across the frames of every place (AnimateDiff v2, arXiv 2307.04725)."""

import math

import paddle
from einops import rearrange
from paddle import nn

from aa.models.attention import Attention, FeedForward
from aa.models.layers import GroupNorm, LayerNorm, Linear


def sinusoidal_positions(length: int, channels: int) -> paddle.Tensor:
    """Positions [1, length, C] as sines (even) and cosines (odd) (arXiv 1706.03762, 3.5)."""
    position = paddle.arange(length, dtype="float32").unsqueeze(1)
    rate = paddle.exp(
        paddle.arange(0, channels, 2, dtype="float32") * (-math.log(10000.0) / channels)
    )
    angles = position * rate  # [length, C/2]
    return paddle.stack([angles.sin(), angles.cos()], axis=-1).flatten(1).unsqueeze(0)


class PositionEncoder(nn.Layer):
    """Adds the positions of at most `max_frames` frames. They are computed, never loaded."""

    def __init__(self, channels: int, max_frames: int) -> None:
        super().__init__()
        self.register_buffer("pe", sinusoidal_positions(max_frames, channels), persistable=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x + self.pe[:, : x.shape[1]].astype(x.dtype)


class TemporalAttention(Attention):
    """Self-attention over frames, [places, F, C]."""

    def __init__(self, channels: int, heads: int, max_frames: int) -> None:
        super().__init__(channels, heads)
        self.pos_encoder = PositionEncoder(channels, max_frames)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return super().forward(self.pos_encoder(x))


class TemporalTransformerBlock(nn.Layer):
    """Two temporal self-attentions and a feed-forward, each on a LayerNorm, each a residual."""

    def __init__(self, channels: int, heads: int, max_frames: int) -> None:
        super().__init__()
        self.attention_blocks = nn.LayerList(
            [TemporalAttention(channels, heads, max_frames) for _ in range(2)]
        )
        self.norms = nn.LayerList([LayerNorm(channels) for _ in range(2)])
        self.ff = FeedForward(channels)
        self.ff_norm = LayerNorm(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = x + attention(norm(x))
        return x + self.ff(self.ff_norm(x))


class TemporalTransformer(nn.Layer):
    """Frame-wise GroupNorm, transformer over time, zero-initialised projection, residual."""

    def __init__(self, channels: int, heads: int, max_frames: int, *, norm_groups: int) -> None:
        super().__init__()
        self.norm = GroupNorm(norm_groups, channels, epsilon=1e-6)
        self.proj_in = Linear(channels, channels)
        self.transformer_blocks = nn.LayerList(
            [TemporalTransformerBlock(channels, heads, max_frames)]
        )
        # Starts as the identity: stage 2 begins with what stage 1 learned.
        self.proj_out = Linear(channels, channels, zero=True)

    def forward(self, x: paddle.Tensor, num_frames: int) -> paddle.Tensor:
        """x [B*F, C, h, w] -> [B*F, C, h, w], frames of one sample next to each other."""
        height, width = x.shape[2:]
        h = rearrange(self.norm(x), "(b f) c h w -> (b h w) f c", f=num_frames)
        h = self.proj_out(self.transformer_blocks[0](self.proj_in(h)))
        return x + rearrange(h, "(b h w) f c -> (b f) c h w", h=height, w=width)


class MotionModule(nn.Layer):
    """The published shell around the temporal transformer.

    Args:
        channels: C of the feature map.
        heads: heads of each temporal attention.
        max_frames: the most frames one call can have.
    """

    def __init__(self, channels: int, heads: int, max_frames: int, *, norm_groups: int) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(
            channels, heads, max_frames, norm_groups=norm_groups
        )

    def forward(self, x: paddle.Tensor, num_frames: int) -> paddle.Tensor:
        """x [B*F, C, h, w] -> [B*F, C, h, w], frames of one sample next to each other."""
        return self.temporal_transformer(x, num_frames)

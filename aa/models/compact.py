"""The UNet for small models that train from nothing in minutes, on latents that lose nothing.

The same network in outline (levels, reference tokens, image token, motion modules) with other
parts. On generated figures each of them was worth 0.6 to 1.4 dB of PSNR after one to two minutes of
training (one seed, one core):

- resampling moves pixels into channels and back, so a token keeps what lies inside its cell;
- keys compare normed tokens and their places, values are the tokens themselves: a colour arrives
  as it left. Every attention starts as "copy the same place of the reference";
- a linear path leads from the last feature map to the output beside the normed one.

Skip connections are added instead of stacked, which halves the work on the way up. A motion module
is one attention over the frames that gives what the others have and this one lacks: after a minute
it had taken a quarter of the flicker away, when the published module had taken none.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import paddle
import paddle.nn.functional as F
from einops import rearrange
from paddle import nn

from aa.models.attention import (
    Condition,
    FeedForward,
    attend_with_reference,
    multi_head_attention,
    repeat_frames,
)
from aa.models.blocks import Parts, ResnetBlock, UNetSizes
from aa.models.layers import Conv2D, GroupNorm, LayerNorm, Linear
from aa.models.motion import sinusoidal_positions
from aa.models.unet import UNet

RESIDUAL_START = 0.3  # of the usual start values of what is added to a residual


def positions(height: int, width: int, channels: int) -> paddle.Tensor:
    """Sines and cosines of every place of a feature map [1, h * w, C], relative to its sides."""
    return paddle.to_tensor(_positions(height, width, channels))


@functools.lru_cache(maxsize=64)
def _positions(height: int, width: int, channels: int) -> np.ndarray:
    rate = np.pi / 2 * 100.0 ** -(np.arange(channels // 4) / (channels // 4))
    rows, columns = (np.arange(n)[:, None] * rate * 8 / n for n in (height, width))
    rows, columns = (np.concatenate([np.sin(x), np.cos(x)], 1) for x in (rows, columns))
    shape = (height, width, rows.shape[1])
    both = [np.broadcast_to(rows[:, None], shape), np.broadcast_to(columns[None], shape)]
    places = math.sqrt(2) * np.concatenate(both, -1).reshape(1, height * width, -1)
    return places.astype("float32")


class CompactAttention(nn.Layer):
    """Attention that looks by normed tokens and places, and takes the tokens as they are."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (
            Linear(channels, channels, bias=False, orthogonal=True) for _ in range(3)
        )
        self.to_out = Linear(channels, channels)
        # At the start a token finds its own place, and its value comes out as it went in.
        _start(self.to_k.weight, lambda: self.to_q.weight)
        _start(self.to_out.weight, lambda: self.to_v.weight.t())

    def forward(
        self,
        x: paddle.Tensor,
        normed: paddle.Tensor,
        condition: Condition | None,
        keep: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """x and its norm with places [B*F, L, C]; see `attend_with_reference` for the others."""
        tokens = self.to_q(normed), self.to_k(normed), self.to_v(x)
        return self.to_out(attend_with_reference(*tokens, condition, keep, self.heads))


class CompactTransformer(nn.Layer):
    """Self-attention with reference tokens, image token and feed-forward, as a residual."""

    reference_parts = ("proj_in.",)  # needed by `reference_tokens`

    def __init__(self, channels: int, sizes: UNetSizes) -> None:
        super().__init__()
        self.proj_in = Conv2D(channels, channels, 1, orthogonal=True)
        self.norm1, self.norm2 = LayerNorm(channels), LayerNorm(channels)
        self.attn1 = CompactAttention(channels, sizes.heads)
        self.image_proj = Linear(sizes.context_channels, channels)
        self.ff = FeedForward(channels)
        self.proj_out = Conv2D(channels, channels, 1)
        _start(self.proj_out.weight, lambda: self.proj_in.weight.transpose([1, 0, 2, 3]))
        # At the start the place decides where to look, not yet what is there.
        _start(cast("paddle.Tensor", self.norm1.weight), lambda: paddle.full([channels], 0.3))
        _shrink(self.ff.net[2], 0.2)

    def reference_tokens(self, x: paddle.Tensor) -> paddle.Tensor:
        """Feature map [B, C, h, w] -> another one, to which the other network attends."""
        return self.proj_in(x)

    def condition(
        self, image_embeds: paddle.Tensor, reference: paddle.Tensor | None = None
    ) -> Condition:
        """The `Condition` of image embeddings [B, 1, D] and a reference map [B, C, h, w]."""
        token = self.image_proj(image_embeds)
        if reference is None:
            return Condition(token)
        tokens, normed = self._tokens(reference)
        return Condition(token, self.attn1.to_k(normed), self.attn1.to_v(tokens))

    def forward(
        self,
        x: paddle.Tensor,
        condition: Condition,
        reference_mask: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """x [B*F, C, h, w] -> (x, feature map for the other network), both [B*F, C, h, w]."""
        feature = self.reference_tokens(x)
        tokens, normed = self._tokens(feature)
        h = tokens + self.attn1(tokens, normed, condition, reference_mask)
        h = h + repeat_frames(condition.image_token, x.shape[0])
        h = h + self.ff(self.norm2(h))
        return x + self.proj_out(rearrange(h, "b (h w) c -> b c h w", h=x.shape[2])), feature

    def _tokens(self, feature: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """A feature map [B, C, h, w] as tokens [B, L, C], and these normed, with their places."""
        tokens = rearrange(feature, "b c h w -> b (h w) c")
        channels, height, width = feature.shape[1:]
        return tokens, self.norm1(tokens) + positions(height, width, channels)


class CompactMotionModule(nn.Layer):
    """Attention over the frames of every place, less the frame itself, as a residual.

    It starts as the identity. A place looks for tokens like its own in other frames, so what stands
    still is averaged and what moves is let pass.

    Args:
        channels: C of the feature map.
        heads: heads of the attention.
        max_frames: the most frames one call can have.
    """

    def __init__(self, channels: int, heads: int, max_frames: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = LayerNorm(channels)
        self.to_q, self.to_k, self.to_v = (
            Linear(channels, channels, bias=False, orthogonal=True) for _ in range(3)
        )
        _start(self.to_k.weight, lambda: self.to_q.weight)
        self.to_out = Linear(channels, channels, bias=False, zero=True)
        self.register_buffer("pe", sinusoidal_positions(max_frames, channels), persistable=False)

    def forward(self, x: paddle.Tensor, num_frames: int) -> paddle.Tensor:
        """x [B*F, C, h, w] -> [B*F, C, h, w], frames of one sample next to each other."""
        height, width = x.shape[2:]
        tokens = rearrange(x, "(b f) c h w -> (b h w) f c", f=num_frames)
        normed = self.norm(tokens) + 0.5 * self.pe[:, :num_frames].astype(x.dtype)
        value = self.to_v(tokens)
        others = multi_head_attention(self.to_q(normed), self.to_k(normed), value, self.heads)
        h = self.to_out(others - value)
        return x + rearrange(h, "(b h w) f c -> (b f) c h w", h=height, w=width)


class CompactResnetBlock(ResnetBlock):
    """ResnetBlock whose residual starts small."""

    def __init__(self, in_channels: int, out_channels: int, sizes: UNetSizes) -> None:
        super().__init__(in_channels, out_channels, sizes)
        _shrink(self.conv2, RESIDUAL_START)


class ShuffleDown(nn.Layer):
    """Halves height and width: every 2x2 square becomes one place, then a linear map."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels * 4, out_channels, 1, orthogonal=True)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv(F.pixel_unshuffle(x, 2))


class ShuffleUp(nn.Layer):
    """Doubles height and width: a linear map to four places each. The reverse of `ShuffleDown`."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, out_channels * 4, 1, orthogonal=True)

    def forward(self, x: paddle.Tensor, size: Sequence[int]) -> paddle.Tensor:
        return F.pixel_shuffle(self.conv(x), 2)


class CompactPoseGuider(nn.Layer):
    """Two convolutions on the pose images, their pixels stacked as the latents' are.

    Args:
        out_channels: channels of the denoiser after its `conv_in`.
        stride: pixels to a side of a latent.
    """

    def __init__(self, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv_in = Conv2D(3 * stride**2, out_channels, 3, padding=1)
        self.conv_out = Conv2D(out_channels, out_channels, 3, padding=1)

    def forward(self, pose_pixels: paddle.Tensor) -> paddle.Tensor:
        """Pose pixels [B, 3, F, H, W] in [0, 1] -> features [B, C, F, h, w]."""
        x = rearrange(pose_pixels, "b c f h w -> (b f) c h w")
        x = self.conv_out(F.swish(self.conv_in(F.pixel_unshuffle(x, self.stride))))
        return rearrange(x, "(b f) c h w -> b c f h w", b=pose_pixels.shape[0])


def _shrink(layer: nn.Layer, factor: float) -> None:
    _start(layer.weight, lambda: layer.weight * factor)


def _start(parameter: paddle.Tensor, value: Callable[[], paddle.Tensor]) -> None:
    """Set a start value, unless the layer is made for its shapes alone (paddle.LazyGuard)."""
    if parameter._is_initialized():
        parameter.set_value(value())


def _stem(latent_channels: int, channels: int) -> Conv2D:
    layer = Conv2D(latent_channels, channels, 3, padding=1)
    _shrink(layer, math.sqrt(3))
    return layer


def _motion_module(channels: int, sizes: UNetSizes) -> CompactMotionModule:
    return CompactMotionModule(channels, sizes.motion_heads, sizes.max_frames)


def _head(channels: int, latent_channels: int, sizes: UNetSizes) -> dict[str, nn.Layer]:
    layers = {
        "conv_norm_out": GroupNorm(sizes.norm_groups, channels, epsilon=1e-5),
        "conv_out": Conv2D(channels, latent_channels, 3, padding=1),
        "linear_out": Conv2D(channels, latent_channels, 1, orthogonal=True),
    }
    _shrink(layers["conv_out"], RESIDUAL_START**2)
    _shrink(layers["linear_out"], RESIDUAL_START)
    return layers


COMPACT = Parts(
    stem=_stem,
    resnet=CompactResnetBlock,
    attention=CompactTransformer,
    motion=_motion_module,
    down=ShuffleDown,
    up=ShuffleUp,
    head=_head,
    stacked=False,
    trimmed=True,
)


class CompactUNet(UNet):
    """`UNet` of compact parts; arguments, calls and results are the same.

    Height and width of the latents must be multiples of 2 ** (levels - 1). Without `head` nothing
    after the last tensor that the other network attends to is built.
    """

    parts = COMPACT

    def _output(self, x: paddle.Tensor) -> paddle.Tensor:
        return super()._output(x) + self.linear_out(x)

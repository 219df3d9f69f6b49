"""What UNets are made of: their sizes, the specification of their parts, SD1.5's own blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import paddle
import paddle.nn.functional as F
from paddle import nn

from aa.models.attention import repeat_frames
from aa.models.layers import Conv2D, GroupNorm, Linear


@dataclass(frozen=True)
class UNetSizes:
    """Sizes that all levels of one UNet share.

    Args:
        heads: heads of the spatial attentions.
        context_channels: width of the image embedding.
        time_channels: width of the time embedding.
        norm_groups: groups of every GroupNorm.
        motion_heads: heads of the motion modules, 0 for a network without them.
        max_frames: the most frames one call can have.
    """

    heads: int
    context_channels: int
    time_channels: int
    norm_groups: int
    motion_heads: int
    max_frames: int


@dataclass(frozen=True)
class Parts:
    """Specification of a UNet: what makes each of its parts, and how skip connections join.

    Args:
        stem: (latent channels, channels) -> the first layer.
        resnet: (channels in, out, sizes) -> a residual block.
        attention: (channels, sizes) -> a block with reference tokens and image token.
        motion: (channels, sizes) -> a block over the frames.
        down, up: (channels in, out) -> what halves and doubles height and width.
        head: (channels, latent channels, sizes) -> the last layers, by the names they have.
        stacked: whether skip connections, resampled ones too, are stacked on what comes from below,
            and resnets change the width, as in SD1.5; else they are added, and resampling does.
        trimmed: whether a network without head ends with its last attention.
    """

    stem: Callable[[int, int], nn.Layer]
    resnet: Callable[[int, int, UNetSizes], nn.Layer]
    attention: Callable[[int, UNetSizes], nn.Layer]
    motion: Callable[[int, UNetSizes], nn.Layer]
    down: Callable[[int, int], nn.Layer]
    up: Callable[[int, int], nn.Layer]
    head: Callable[[int, int, UNetSizes], dict[str, nn.Layer]]
    stacked: bool
    trimmed: bool


class ResnetBlock(nn.Layer):
    """Residual block of SD1.5 with the time embedding added between its convolutions.

    The library's block computes the same with `silu`, whose gradient in Paddle 3.3 is NaN below
    about -89; `swish` is the same function with a valid gradient.
    """

    def __init__(self, in_channels: int, out_channels: int, sizes: UNetSizes) -> None:
        super().__init__()
        groups = sizes.norm_groups
        self.norm1 = GroupNorm(groups, in_channels, epsilon=1e-5)
        self.conv1 = Conv2D(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = Linear(sizes.time_channels, out_channels)
        self.norm2 = GroupNorm(groups, out_channels, epsilon=1e-5)
        self.conv2 = Conv2D(out_channels, out_channels, 3, padding=1)
        self.conv_shortcut = None
        if in_channels != out_channels:
            self.conv_shortcut = Conv2D(in_channels, out_channels, 1)

    def forward(self, x: paddle.Tensor, time: paddle.Tensor) -> paddle.Tensor:
        """x [B*F, C, h, w], time [B or B*F, T] after its activation -> [B*F, C', h, w]."""
        # The convolution's bias goes with the time embedding: on a CPU each of these sums is slow.
        h = F.conv2d(F.swish(self.norm1(x)), self.conv1.weight, padding=1)
        shift = self.time_emb_proj(time) + self.conv1.bias
        h = h + repeat_frames(shift, x.shape[0])[:, :, None, None]
        h = self.conv2(F.swish(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Downsample(nn.Layer):
    """Halves height and width (rounding up) by a strided convolution."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, out_channels, 3, stride=2, padding=1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv(x)


class Upsample(nn.Layer):
    """Nearest-neighbour resize to the size of the skip connection, then a convolution."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, out_channels, 3, padding=1)

    def forward(self, x: paddle.Tensor, size: Sequence[int]) -> paddle.Tensor:
        return self.conv(F.interpolate(x, size=size, mode="nearest"))

"""The levels of the UNet: residual blocks, transformers, motion modules, resampling."""

from collections.abc import Sequence
from dataclasses import dataclass

import paddle
import paddle.nn.functional as F
from paddle import nn

from aa.models.attention import Condition, repeat_frames
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


class ResnetBlock(nn.Layer):
    """Residual block of SD1.5 with the time embedding added between its convolutions.

    The library's block computes the same with `silu`, whose gradient in Paddle 3.3 is NaN below
    about -89; `swish` is the same function with a valid gradient.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: UNetSizes) -> None:
        super().__init__()
        groups = widths.norm_groups
        self.norm1 = GroupNorm(groups, in_channels, epsilon=1e-5)
        self.conv1 = Conv2D(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = Linear(widths.time_channels, out_channels)
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

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv(x)


class Upsample(nn.Layer):
    """Nearest-neighbour resize to the size of the skip connection, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, channels, 3, padding=1)

    def forward(self, x: paddle.Tensor, size: Sequence[int]) -> paddle.Tensor:
        return self.conv(F.interpolate(x, size=size, mode="nearest"))


class Level(nn.Layer):
    """One level of the UNet: layers of resnet, attention and motion, then its resampling.

    Args:
        resnets: the residual blocks, one a layer.
        attentions, motion_modules: as many of each, or None.
        down, up: the resampling layer at the end, or None.
    """

    def __init__(
        self,
        resnets: Sequence[nn.Layer],
        attentions: Sequence[nn.Layer] | None = None,
        motion_modules: Sequence[nn.Layer] | None = None,
        *,
        down: nn.Layer | None = None,
        up: nn.Layer | None = None,
    ) -> None:
        super().__init__()
        self.resnets = nn.LayerList(resnets)
        if attentions:
            self.attentions = nn.LayerList(attentions)
        if motion_modules:
            self.motion_modules = nn.LayerList(motion_modules)
        if down:
            self.downsamplers = nn.LayerList([down])
        if up:
            self.upsamplers = nn.LayerList([up])
        self.has_attention, self.has_motion = bool(attentions), bool(motion_modules)
        self.has_resampler = bool(down or up)

    def run_layer(
        self,
        i: int,
        x: paddle.Tensor,
        time: paddle.Tensor,
        condition: Condition | None,
        reference_mask: paddle.Tensor | None,
        frames: int,
    ) -> tuple[paddle.Tensor, paddle.Tensor | None]:
        """Layer i on x [B*F, C, h, w] -> (x, first norm of its attention or None)."""
        x, feature = self.resnets[i](x, time), None
        if self.has_attention:
            x, feature = self.attentions[i](x, condition, reference_mask)
        if self.has_motion:
            x = self.motion_modules[i](x, frames)
        return x, feature


class MiddleLevel(nn.Layer):
    """resnet, attention, motion (or None), resnet at the lowest resolution."""

    has_attention = True

    def __init__(
        self,
        resnets: Sequence[nn.Layer],
        attention: nn.Layer,
        motion_module: nn.Layer | None = None,
    ) -> None:
        super().__init__()
        self.resnets, self.attentions = nn.LayerList(resnets), nn.LayerList([attention])
        self.has_motion = motion_module is not None
        if motion_module:
            self.motion_modules = nn.LayerList([motion_module])

    def run_layer(
        self,
        i: int,
        x: paddle.Tensor,
        time: paddle.Tensor,
        condition: Condition,
        reference_mask: paddle.Tensor | None,
        frames: int,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """The whole level (i is 0) on x [B*F, C, h, w] -> (x, first norm of its attention)."""
        x = self.resnets[0](x, time)
        x, feature = self.attentions[i](x, condition, reference_mask)
        if self.has_motion:
            x = self.motion_modules[i](x, frames)
        return self.resnets[1](x, time), feature

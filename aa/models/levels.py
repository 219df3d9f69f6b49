"""The levels of a UNet, built from the specification of its parts."""

from collections.abc import Collection, Sequence

import paddle
from paddle import nn

from aa.models.attention import Condition
from aa.models.blocks import Parts, UNetSizes


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


def build_level(
    parts: Parts,
    widths: Sequence[tuple[int, int]],
    sizes: UNetSizes,
    *,
    attention: bool,
    down: nn.Layer | None = None,
    up: nn.Layer | None = None,
) -> Level:
    """One level.

    Args:
        widths: (channels in, out) of each resnet.
        attention: whether it has any.
        down, up: its resampling layer.
    """
    outs = [out for _, out in widths]
    resnets = [parts.resnet(narrow, wide, sizes) for narrow, wide in widths]
    attentions = [parts.attention(out, sizes) for out in outs] if attention else None
    motion = [parts.motion(out, sizes) for out in outs] if sizes.motion_heads else None
    return Level(resnets, attentions, motion, down=down, up=up)


def build_way_down(
    parts: Parts,
    channels: Sequence[int],
    layers: int,
    sizes: UNetSizes,
    attention: Collection[int],
) -> list[nn.Layer]:
    """The levels on the way down, the highest first.

    Args:
        channels: of the levels, high to low resolution.
        layers: resnets of a level.
        attention: levels with attention.
    """
    levels = []
    for i, widths in enumerate(down_widths(channels, layers, stacked=parts.stacked)):
        down = None
        if i < len(channels) - 1:
            down = parts.down(channels[i], channels[i if parts.stacked else i + 1])
        levels.append(build_level(parts, widths, sizes, attention=i in attention, down=down))
    return levels


def build_way_up(
    parts: Parts,
    channels: Sequence[int],
    layers: int,
    sizes: UNetSizes,
    attention: Collection[int],
    *,
    last: int,
) -> list[nn.Layer]:
    """The levels on the way up, the lowest first, to the level `last`; see `build_way_down`."""
    levels, widths = [], up_widths(channels, layers, stacked=parts.stacked)
    for i in range(len(channels) - 1, last - 1, -1):
        up = None
        if i > last:
            up = parts.up(channels[i], channels[i if parts.stacked else i - 1])
        levels.append(build_level(parts, widths[i], sizes, attention=i in attention, up=up))
    return levels


def build_middle(parts: Parts, channels: int, sizes: UNetSizes) -> MiddleLevel:
    """The level at the lowest resolution."""
    resnets = [parts.resnet(channels, channels, sizes) for _ in range(2)]
    attention = parts.attention(channels, sizes)
    return MiddleLevel(
        resnets, attention, parts.motion(channels, sizes) if sizes.motion_heads else None
    )


def down_widths(
    channels: Sequence[int], layers: int, *, stacked: bool
) -> list[list[tuple[int, int]]]:
    """(channels in, out) of the resnets of each level on the way down, see `Parts.stacked`."""
    before = [channels[0], *channels[:-1]] if stacked else channels
    return [
        [(narrow, wide), *[(wide, wide)] * (layers - 1)]
        for narrow, wide in zip(before, channels, strict=True)
    ]


def up_widths(
    channels: Sequence[int], layers: int, *, stacked: bool
) -> list[list[tuple[int, int]]]:
    """As `down_widths`, on the way up; the highest level first here too."""
    if not stacked:
        return [[(wide, wide)] * layers for wide in channels]
    skips = [channels[0]]
    for i, wide in enumerate(channels):
        skips += [wide] * (layers + (i < len(channels) - 1))
    below, found = channels[-1], []
    for wide in reversed(channels):
        level = []
        for _ in range(layers + 1):
            level.append((below + skips.pop(), wide))
            below = wide
        found.append(level)
    return found[::-1]

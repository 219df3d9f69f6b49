"""Pose guider: pose images to features of the latents' size (arXiv 2311.17117, 3.2)."""

from collections.abc import Sequence
from itertools import pairwise

import paddle
import paddle.nn.functional as F
from einops import rearrange
from paddle import nn

from aa.models.layers import Conv2D


class PoseGuider(nn.Layer):
    """Convolutions 3 -> channels -> out_channels with three halvings, the last one zero at start.

    Args:
        out_channels: channels of the denoiser after its `conv_in`.
        channels: widths before the halvings and after the last.
    """

    def __init__(self, out_channels: int, channels: Sequence[int] = (16, 32, 96, 256)) -> None:
        super().__init__()
        self.conv_in = Conv2D(3, channels[0], 3, padding=1)
        self.blocks = nn.LayerList()
        for narrow, wide in pairwise(channels):
            self.blocks.append(Conv2D(narrow, narrow, 3, padding=1))
            self.blocks.append(Conv2D(narrow, wide, 3, stride=2, padding=1))
        self.conv_out = Conv2D(channels[-1], out_channels, 3, padding=1, zero=True)

    def forward(self, pose_pixels: paddle.Tensor) -> paddle.Tensor:
        """Pose pixels [B, 3, F, H, W] in [0, 1] -> features [B, C, F, H/8, W/8]."""
        x = F.swish(self.conv_in(rearrange(pose_pixels, "b c f h w -> (b f) c h w")))
        for block in self.blocks:
            x = F.swish(block(x))
        x = self.conv_out(x)
        return rearrange(x, "(b f) c h w -> b c f h w", b=pose_pixels.shape[0])

"""Embeddings of plain numbers that every resnet of a UNet is given: timestep, scale of guidance."""

import math

import paddle
import paddle.nn.functional as F
from paddle import nn

from aa.models.layers import Linear


def timestep_embedding(timesteps: paddle.Tensor, channels: int) -> paddle.Tensor:
    """Sinusoids [B, C] of integer timesteps [B], cosines first (arXiv 2006.11239, SD1.5)."""
    half = channels // 2
    rate = paddle.exp(paddle.arange(half, dtype="float32") * (-math.log(10000.0) / half))
    angles = timesteps.astype("float32").unsqueeze(1) * rate
    return paddle.concat([angles.cos(), angles.sin()], axis=1)


class TimestepEmbedding(nn.Layer):
    """Two linear layers on the sinusoids."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.linear_1 = Linear(in_channels, channels)
        self.linear_2 = Linear(channels, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.linear_2(F.swish(self.linear_1(x)))


class GuidanceEmbedding(nn.Layer):
    """Two linear layers on the scale of guidance; starts at zero, so that it changes nothing.

    A network that has it gives in one pass what guidance gives in two (arXiv 2210.03142, 3.1).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear_1 = Linear(1, channels, bias=False)
        self.linear_2 = Linear(channels, channels, bias=False, zero=True)

    def forward(self, scale: paddle.Tensor) -> paddle.Tensor:
        """Scales [B] -> [B, C], which is zero for a scale of 1, no guidance."""
        return self.linear_2(F.swish(self.linear_1((scale - 1).unsqueeze(1))))

"""The basic layers: torch's default start values, norms that Paddle's CPU kernels get right."""

import math
from typing import cast

import paddle
import paddle.nn.functional as F
from paddle import nn


def on_gpu(x: paddle.Tensor) -> bool:
    """Return whether a tensor lies on a GPU. While a graph is traced it lies nowhere yet."""
    return paddle.in_dynamic_mode() and x.place.is_gpu_place()


def _start(fan_in: int, *, zero: bool = False, orthogonal: bool = False):
    """Start values of weight and bias: uniform within 1 / sqrt(fan_in), zero, or a rotation."""
    if zero:
        return nn.initializer.Constant(0.0), nn.initializer.Constant(0.0)
    bound = 1 / math.sqrt(fan_in)
    uniform = nn.initializer.Uniform(-bound, bound)
    return (nn.initializer.Orthogonal() if orthogonal else uniform), uniform


class Linear(nn.Linear):
    """Linear layer that starts as torch's does, at zero, or with an orthogonal weight.

    The published recipe relies on it for all that trains from nothing; Paddle's own start values
    are larger, and activations grow along the residuals.

    Attributes:
        lora_A, lora_B: both halves of its adapter (see `aa.models.lora`); None where it has none.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        zero: bool = False,
        orthogonal: bool = False,
    ) -> None:
        weight, start = _start(in_features, zero=zero, orthogonal=orthogonal)
        super().__init__(in_features, out_features, weight, start if bias else False)
        self.lora_A: Linear | None = None
        self.lora_B: Linear | None = None

    def add_adapter(self, rank: int) -> None:
        """Add a low-rank adapter, which changes nothing before it has trained."""
        into, out = self.weight.shape
        self.lora_A = Linear(into, rank, bias=False)
        self.lora_B = Linear(rank, out, bias=False, zero=True)

    def forward(self, input: paddle.Tensor) -> paddle.Tensor:
        result = super().forward(input)
        if self.lora_A is None or self.lora_B is None:
            return result
        return result + self.lora_B(self.lora_A(input))


class Conv2D(nn.Conv2D):
    """Convolution that starts as torch's does, at zero, or orthogonal; see `Linear`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        zero: bool = False,
        orthogonal: bool = False,
    ) -> None:
        fan_in = in_channels * kernel_size**2
        weight, bias = _start(fan_in, zero=zero, orthogonal=orthogonal)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            weight_attr=weight,
            bias_attr=bias,
        )


class LayerNorm(nn.LayerNorm):
    """LayerNorm whose gradient is right also while its weight is frozen.

    Paddle 3.3 on the CPU takes a frozen weight (`stop_gradient`) for 1 on the way back, so every
    layer before a frozen norm gets a wrong gradient, in silence. An alias that may train, and is
    thrown away, keeps the fused kernel and its gradient right.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        weight = cast("paddle.Tensor", self.weight)
        if weight.stop_gradient and not x.stop_gradient:
            weight = weight.detach()
            weight.stop_gradient = False
        return F.layer_norm(x, self._normalized_shape, weight, self.bias, self._epsilon)


class GroupNorm(nn.GroupNorm):
    """GroupNorm that stays exact where a group's mean is large against its spread.

    Paddle 3.3 on the CPU takes the variance as E[x^2] - E[x]^2, whose error grows with the square
    of mean / spread: 1e-4 at 10 with 128 values a group, useless at 100. Taking the mean away
    first changes neither the result nor its gradient, and leaves the fused kernel exact to 1e-6.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not on_gpu(x):
            groups = x.reshape([x.shape[0], self._num_groups, -1])
            x = (groups - groups.mean(2, keepdim=True).detach()).reshape(x.shape)
        return super().forward(x)

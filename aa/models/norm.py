"""LayerNorm with a sound gradient."""

import paddle.nn.functional as F
from paddle import nn


class LayerNorm(nn.LayerNorm):
    """LayerNorm whose gradient is right also while its weight is frozen.

    Paddle 3.3 on the CPU takes a frozen weight (`stop_gradient`) for 1 on the way back, so every
    layer before a frozen norm gets a wrong gradient, in silence. An alias that may train, and is
    thrown away, keeps the fused kernel and its gradient right.
    """

    def forward(self, x):
        weight = self.weight
        if weight.stop_gradient and not x.stop_gradient:
            weight = weight.detach()
            weight.stop_gradient = False
        return F.layer_norm(x, self._normalized_shape, weight, self.bias, self._epsilon)

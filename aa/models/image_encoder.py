"""Encoders of the character's image into one token: CLIP, or a small network that learns."""

from types import SimpleNamespace

import paddle
import paddle.nn.functional as F
from paddle import nn

from aa.config.model import ImageEncoderConfig
from aa.models.layers import Conv2D, Linear


class PooledImageEncoder(nn.Layer):
    """Three convolutions, the mean over the image, a linear map; CLIP's call.

    Args:
        channels: width of the convolutions.
        out_channels: width D of the token.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.patches = Conv2D(3, channels, 4, stride=4)
        self.conv_1 = Conv2D(channels, channels, 3, padding=1)
        self.conv_2 = Conv2D(channels, channels, 3, stride=2, padding=1)
        self.projection = Linear(channels, out_channels)

    def forward(self, clip_pixels: paddle.Tensor, return_dict: bool = True) -> SimpleNamespace:
        """Pixels [B, 3, S, S], normed as CLIP's -> `image_embeds` [B, D]."""
        x = F.swish(self.conv_1(F.swish(self.patches(clip_pixels))))
        embeds = self.projection(F.swish(self.conv_2(x)).mean([2, 3]))
        return SimpleNamespace(image_embeds=embeds)


def build_image_encoder(config: ImageEncoderConfig) -> nn.Layer:
    """The image encoder of an `ImageEncoderConfig`."""
    if config.kind == "pooled":
        return PooledImageEncoder(config.hidden_size, config.projection_dim)
    from paddlenlp.transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    sizes = {key: value for key, value in vars(config).items() if key != "kind"}
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes))

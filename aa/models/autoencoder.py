"""Autoencoders between images and latents: Stable Diffusion's VAE, or a rearrangement."""

from types import SimpleNamespace

import paddle
import paddle.nn.functional as F
from paddle import nn

from aa.config.model import VaeConfig


class SpaceToDepth(nn.Layer):
    """The pixels of every square as channels of one latent: AutoencoderKL's calls, no weights.

    Args:
        stride: pixels to a side of the square.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def encode(self, pixels: paddle.Tensor) -> SimpleNamespace:
        """Pixels [N, 3, H, W] -> a posterior of mean [N, 3 * stride^2, h, w] without spread."""
        mean = F.pixel_unshuffle(pixels, self.stride)
        return SimpleNamespace(latent_dist=SimpleNamespace(mean=mean, std=0.0))

    def decode(self, latents: paddle.Tensor) -> SimpleNamespace:
        """The reverse of `encode`."""
        return SimpleNamespace(sample=F.pixel_shuffle(latents, self.stride))


def build_vae(config: VaeConfig) -> nn.Layer:
    """The autoencoder of a `VaeConfig`."""
    if config.kind == "space_to_depth":
        return SpaceToDepth(config.stride)
    from ppdiffusers import AutoencoderKL

    depth = len(config.block_out_channels)
    return AutoencoderKL(
        block_out_channels=tuple(config.block_out_channels),  # pyright: ignore[reportArgumentType]
        down_block_types=("DownEncoderBlock2D",) * depth,  # pyright: ignore[reportArgumentType]
        up_block_types=("UpDecoderBlock2D",) * depth,  # pyright: ignore[reportArgumentType]
        layers_per_block=config.layers_per_block,
        latent_channels=config.latent_channels,
        norm_num_groups=config.norm_num_groups,
        scaling_factor=config.scaling_factor,
    )

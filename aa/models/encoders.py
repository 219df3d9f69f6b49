"""What the whole model has around its networks: VAE and image encoder, as its methods."""

from typing import Any, cast

import paddle
from einops import rearrange
from paddle import nn

from aa.config.model import ModelConfig


class Encoders(nn.Layer):
    """A model that has a VAE, which is frozen, and an image encoder, both built by itself."""

    config: ModelConfig
    vae: Any
    image_encoder: Any

    def train(self, mode: bool = True) -> "Encoders":
        """Set the mode of the networks; VAE and image encoder are always in evaluation mode."""
        super().train(mode)
        self.vae.eval()
        self.image_encoder.eval()
        return self

    def encode_pixels(
        self, pixels: paddle.Tensor, posterior_noise: paddle.Tensor | None = None
    ) -> paddle.Tensor:
        """Pixels [N, 3, H, W] in [-1, 1] -> scaled latents [N, 4, h, w].

        Args:
            posterior_noise: the draw from the VAE's posterior [N, 4, h, w]; None takes its mean.
        """
        posterior = self.vae.encode(pixels).latent_dist
        latents = posterior.mean
        if posterior_noise is not None:
            latents = latents + posterior.std * posterior_noise
        return latents * self.config.vae.scaling_factor

    def encode_moments(self, pixels: paddle.Tensor) -> paddle.Tensor:
        """Pixels [N, 3, H, W] in [-1, 1] -> mean and deviation of the posterior [N, 2*4, h, w]."""
        posterior = self.vae.encode(pixels).latent_dist
        return paddle.concat([posterior.mean, posterior.std], axis=1)

    def draw_latents(self, moments: paddle.Tensor, posterior_noise: paddle.Tensor) -> paddle.Tensor:
        """Scaled latents [B, 4, ...] from `encode_moments`' values [B, 2*4, ...] and a draw."""
        mean, std = moments.chunk(2, axis=1)
        return (mean + std * posterior_noise) * self.config.vae.scaling_factor

    def decode_latents(self, latents: paddle.Tensor) -> paddle.Tensor:
        """Scaled latents [N, 4, h, w] -> pixels [N, 3, H, W] in [0, 1]."""
        pixels = self.vae.decode(latents / self.config.vae.scaling_factor).sample
        return (pixels / 2 + 0.5).clip(0, 1)

    def encode_image(self, clip_pixels: paddle.Tensor) -> paddle.Tensor:
        """CLIP pixels [B, 3, 224, 224] -> image embeddings [B, 1, D]."""
        return self.image_encoder(clip_pixels, return_dict=True).image_embeds.unsqueeze(1)

    def encode_clip(
        self,
        pixels: paddle.Tensor | None,
        reference_pixels: paddle.Tensor | None,
        moments: paddle.Tensor | None,
        reference_moments: paddle.Tensor | None,
        *draws: paddle.Tensor,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Scaled latents of frames [B, 4, F, h, w] and of their reference [B, 4, h, w].

        Args:
            pixels, reference_pixels: [B, 3, F, H, W] and [B, 3, H, W] in [-1, 1], or None where
                there are
            moments, reference_moments: of both, see `encode_moments`.
            draws: from the posteriors of both.
        """
        noise, reference_noise = draws
        if moments is not None:
            reference_moments = cast("paddle.Tensor", reference_moments)
            latents = self.draw_latents(moments, noise)
            return latents, self.draw_latents(reference_moments, reference_noise)
        latents = self._encode_video(cast("paddle.Tensor", pixels), noise)
        reference_pixels = cast("paddle.Tensor", reference_pixels)
        return latents, self.encode_pixels(reference_pixels, reference_noise)

    def _encode_video(self, pixels: paddle.Tensor, posterior_noise: paddle.Tensor) -> paddle.Tensor:
        """Pixels [B, 3, F, H, W], posterior_noise [B, 4, F, h, w] -> latents [B, 4, F, h, w]."""
        folded = (rearrange(x, "b c f h w -> (b f) c h w") for x in (pixels, posterior_noise))
        return rearrange(self.encode_pixels(*folded), "(b f) c h w -> b c f h w", b=pixels.shape[0])

"""The whole model: two UNets, pose guider, and the frozen VAE and image encoder around them."""

import paddle
from paddle import nn
from paddlenlp.transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from ppdiffusers import AutoencoderKL

from aa.diffusion import add_noise, build_scheduler, min_snr_weight, velocity, weighted_mse
from aa.models.pose_guider import PoseGuider
from aa.models.unet import UNet


def build_vae(config):
    """AutoencoderKL of a `VaeConfig`."""
    depth = len(config.block_out_channels)
    return AutoencoderKL(
        block_out_channels=tuple(config.block_out_channels),
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        layers_per_block=config.layers_per_block,
        latent_channels=config.latent_channels,
        norm_num_groups=config.norm_num_groups,
        scaling_factor=config.scaling_factor,
    )


def build_image_encoder(config):
    """CLIP vision model of an `ImageEncoderConfig`."""
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**vars(config)))


class AnimateAnyone(nn.Layer):
    """Animate Anyone (arXiv 2311.17117), for both stages and for inference.

    Args:
        config: a `ModelConfig`.
        motion_modules: whether the denoiser has them (not in stage 1).
        recompute: see `UNet`.
        snr_gamma: see `min_snr_weight`.
    """

    def __init__(self, config, *, motion_modules=True, recompute=False, snr_gamma=5.0):
        super().__init__()
        shape = {
            "block_out_channels": config.block_out_channels,
            "layers_per_block": config.layers_per_block,
            "attention_heads": config.attention_heads,
            "cross_attention_dim": config.cross_attention_dim,
            "norm_num_groups": config.norm_num_groups,
            "latent_channels": config.vae.latent_channels,
            "recompute": recompute,
        }
        self.config = config
        self.snr_gamma = snr_gamma
        self.has_motion = motion_modules
        self.reference_unet = UNet(**shape, head=False)
        self.denoising_unet = UNet(
            **shape,
            motion_heads=config.motion_heads if motion_modules else 0,
            max_frames=config.motion_max_frames,
        )
        self.pose_guider = PoseGuider(config.block_out_channels[0])
        self.vae = build_vae(config.vae)
        self.image_encoder = build_image_encoder(config.image_encoder)
        for frozen in (self.vae, self.image_encoder):
            frozen.eval()
            for parameter in frozen.parameters():
                parameter.stop_gradient = True
        self.scheduler = build_scheduler(config.noise_schedule)

    def train(self):
        """Training mode for the networks that train; VAE and image encoder stay as they are."""
        super().train()
        self.vae.eval()
        self.image_encoder.eval()
        return self

    def encode_pixels(self, pixels, posterior_noise=None):
        """Pixels [N, 3, H, W] in [-1, 1] -> scaled latents [N, 4, h, w].

        Args:
            pixels: the pictures.
            posterior_noise: the draw from the VAE's posterior [N, 4, h, w]; None takes its mean.
        """
        posterior = self.vae.encode(pixels).latent_dist
        latents = posterior.mean
        if posterior_noise is not None:
            latents = latents + posterior.std * posterior_noise
        return latents * self.config.vae.scaling_factor

    def decode_latents(self, latents):
        """Scaled latents [N, 4, h, w] -> pixels [N, 3, H, W] in [0, 1]."""
        pixels = self.vae.decode(latents / self.config.vae.scaling_factor).sample
        return (pixels / 2 + 0.5).clip(0, 1)

    def encode_image(self, clip_pixels):
        """CLIP pixels [B, 3, 224, 224] -> image embeddings [B, 1, D]."""
        return self.image_encoder(clip_pixels, return_dict=True).image_embeds.unsqueeze(1)

    def reference_features(self, reference_latents, image_embeds):
        """What the denoiser attends to of a character; see `UNet.reference_features`."""
        return self.reference_unet.reference_features(reference_latents, image_embeds)

    def predict(
        self,
        noisy_latents,
        timesteps,
        *,
        image_embeds,
        pose_pixels,
        reference_latents,
        keep_reference=None,
    ):
        """Velocity [B, 4, F, h, w] of noisy latents under pose and reference (see `UNet`)."""
        reference = self.reference_features(reference_latents, image_embeds)
        return self.denoising_unet(
            noisy_latents,
            timesteps,
            image_embeds,
            pose_features=self.pose_guider(pose_pixels),
            reference=reference,
            keep_reference=keep_reference,
        )

    def loss(self, latents, noise, timesteps, **conditions):
        """Min-SNR weighted error of the predicted velocity, a scalar; see `predict`."""
        a = self.scheduler.alphas_cumprod
        prediction = self.predict(add_noise(latents, noise, timesteps, a), timesteps, **conditions)
        weights = min_snr_weight(timesteps, a, self.snr_gamma)
        return weighted_mse(prediction, velocity(latents, noise, timesteps, a), weights)

    def forward(
        self,
        pixel_values,
        pose_pixels,
        reference_pixels,
        clip_pixels,
        drop_reference,
        timesteps,
        noise,
        posterior_noise,
        reference_posterior_noise,
    ):
        """Training loss of a batch of `ClipDataset` items; every draw comes with the batch.

        A sample with `drop_reference` goes without reference tokens and with a zero image
        embedding, exactly what the unconditional half of guidance sees.
        """
        with paddle.no_grad():
            batch, _, frames = pixel_values.shape[:3]
            fold = [0, 2, 1, 3, 4]
            latents = self.encode_pixels(
                pixel_values.transpose(fold).flatten(0, 1),
                posterior_noise.transpose(fold).flatten(0, 1),
            )
            latents = latents.reshape([batch, frames, *latents.shape[1:]]).transpose(fold)
            reference_latents = self.encode_pixels(reference_pixels, reference_posterior_noise)
            keep = paddle.logical_not(drop_reference)
            image_embeds = self.encode_image(clip_pixels)
            image_embeds = image_embeds * keep.astype(image_embeds.dtype).reshape([-1, 1, 1])
        return self.loss(
            latents,
            noise,
            timesteps,
            image_embeds=image_embeds,
            pose_pixels=pose_pixels,
            reference_latents=reference_latents,
            keep_reference=keep,
        )

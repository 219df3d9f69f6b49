"""The whole model: two UNets, pose guider, and the frozen VAE and image encoder around them."""

from collections.abc import Sequence
from typing import Any, cast

import paddle

from aa.config.model import ModelConfig
from aa.models.attention import Condition
from aa.models.autoencoder import build_vae
from aa.models.compact import CompactPoseGuider, CompactUNet
from aa.models.diffusion import build_scheduler, wiener_gain
from aa.models.encoders import Encoders
from aa.models.image_encoder import build_image_encoder
from aa.models.losses import min_snr_weight, with_changes
from aa.models.objectives import Batch, Objective, denoising
from aa.models.pose_guider import PoseGuider
from aa.models.running import RunLayer, directly
from aa.models.unet import UNet

# Variance of latents that are pixels in [-1, 1], as generated figures have it.
PIXEL_VARIANCE = 0.25


def _unet_shape(config: ModelConfig) -> dict[str, Any]:
    """The arguments that both UNets have in common."""
    return {
        "block_out_channels": config.block_out_channels,
        "layers_per_block": config.layers_per_block,
        "attention_heads": config.attention_heads,
        "attention_levels": config.attention_levels,
        "up_attention_levels": config.up_attention_levels,
        "cross_attention_dim": config.cross_attention_dim,
        "norm_num_groups": config.norm_num_groups,
        "latent_channels": config.vae.latent_channels,
    }


class AnimateAnyone(Encoders):
    """Animate Anyone (arXiv 2311.17117), for both stages and for inference.

    Args:
        motion_modules: whether the denoiser has them (not in stage 1).
        guidance: whether the denoiser has an embedding of the scale of guidance.
        reference_pose: whether the reference network is given the pose of its image.
        run_layer: see `UNet`.
        snr_gamma: see `min_snr_weight`.
        temporal_weight: of the error of the change from frame to frame, see `loss`.
        part_weight: of the error in face and hands, see `loss`.
        objective: what is learned.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        motion_modules: bool = True,
        guidance: bool = False,
        reference_pose: bool = False,
        run_layer: RunLayer = directly,
        snr_gamma: float | None = 5.0,
        temporal_weight: float = 0.0,
        part_weight: float = 0.0,
        objective: Objective = denoising,
    ) -> None:
        super().__init__()
        self.config = config
        self.snr_gamma, self.temporal_weight = snr_gamma, temporal_weight
        self.part_weight, self.objective = part_weight, objective
        self.has_motion, self.has_guidance = motion_modules, guidance
        self.has_reference_pose = reference_pose
        compact = config.architecture == "compact"
        unet, shape = CompactUNet if compact else UNet, _unet_shape(config)
        self.reference_unet = unet(**shape, head=False, pose=reference_pose, run_layer=run_layer)
        self.denoising_unet = unet(
            **shape,
            motion_heads=config.motion_heads if motion_modules else 0,
            max_frames=config.motion_max_frames,
            guidance=guidance,
            run_layer=run_layer,
        )
        first = config.block_out_channels[0]
        self.pose_guider = (
            CompactPoseGuider(first, config.vae.stride) if compact else PoseGuider(first)
        )
        self.vae = build_vae(config.vae)
        self.image_encoder = build_image_encoder(config.image_encoder)
        self.vae.eval()
        self.image_encoder.eval()
        for parameter in self.vae.parameters():
            parameter.stop_gradient = True
        self.scheduler = build_scheduler(config.noise_schedule, config.prediction_type)

    def reference_features(
        self,
        reference_latents: paddle.Tensor,
        image_embeds: paddle.Tensor,
        pose_features: paddle.Tensor | None = None,
    ) -> list[paddle.Tensor]:
        """Return what the denoiser attends to of an image; see `UNet.reference_features`."""
        return self.reference_unet.reference_features(
            reference_latents, image_embeds, pose_features
        )

    def conditions(
        self,
        image_embeds: paddle.Tensor,
        reference_latents: paddle.Tensor | None = None,
        reference_pose: paddle.Tensor | None = None,
    ) -> list[Condition]:
        """Return what the denoiser sees of a character; see `UNet.conditions`.

        Args:
            image_embeds: [B, 1, D]; zeros for the unconditional half of guidance.
            reference_latents: scaled, clean latents [B, 4, h, w] of the image, or None.
            reference_pose: the image's own pose [B, 3, H, W] in [0, 1]; a model without
                `has_reference_pose` does not look at it.
        """
        reference = features = None
        if self.has_reference_pose and reference_pose is not None:
            features = self.pose_guider(reference_pose.unsqueeze(2)).squeeze(2)
        if reference_latents is not None:
            reference = self.reference_features(reference_latents, image_embeds, features)
        return self.denoising_unet.conditions(image_embeds, reference)

    def pose_window(self, pose_features: paddle.Tensor, frames: paddle.Tensor) -> paddle.Tensor:
        """Pose features [1, C, F, h, w] of some frames, int64 [f]: [1, C, f, h, w]."""
        return paddle.index_select(pose_features, frames, axis=2)

    def hold_poses(self, pose_features: paddle.Tensor) -> paddle.Tensor:
        """What `join_poses` takes of pose features [1, C, f, h, w], to be used several times."""
        return pose_features

    def join_poses(self, held: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Pose features one after the other, for `denoise`: [1, C, F, h, w]."""
        return paddle.concat([*held], axis=2)

    def denoise(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditions: Sequence[Condition],
        *,
        pose_features: paddle.Tensor,
        reference_mask: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Return the denoiser's prediction (`model.prediction_type`); see `UNet.forward`."""
        return self.denoising_unet(
            self.scale_input(noisy_latents, timesteps),
            timesteps,
            conditions,
            pose_features=pose_features,
            reference_mask=reference_mask,
            guidance_scale=guidance_scale,
        )

    def denoise_pair(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditional: Sequence[Condition],
        unconditional: Sequence[Condition],
        *,
        pose_features: paddle.Tensor,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Both halves of guidance, each [1, 4, F, h, w]: conditional, unconditional.

        One after the other, which needs half of the memory.

        Args:
            noisy_latents, timesteps, pose_features: of one sample; see `UNet.forward`.
            conditional, unconditional: what `conditions` gave with a reference, and without.
        """
        of_both = (
            self.denoise(noisy_latents, timesteps, conditions, pose_features=pose_features)
            for conditions in (conditional, unconditional)
        )
        return cast("tuple[paddle.Tensor, paddle.Tensor]", tuple(of_both))

    def denoise_cached(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        samples: Sequence[Sequence[Condition]],
        *,
        pose_features: paddle.Tensor,
        guidance_scale: paddle.Tensor | None = None,
        deep: paddle.Tensor | None = None,
    ) -> tuple[list[paddle.Tensor], paddle.Tensor]:
        """Predictions of a video, and its deep features; see `UNet.predict_with_deep`.

        Args:
            noisy_latents, timesteps, pose_features, guidance_scale: as of `denoise`.
            samples: the conditions of each prediction: one, or both halves of guidance.
            deep: deep features [B*F, C, h, w] of the same frames and samples; None: all levels run.

        Returns:
            a prediction [1, 4, F, h, w] for each of the samples, and the deep features.
        """
        latents, network = self.scale_input(noisy_latents, timesteps), self.denoising_unet
        found = [
            network.predict_with_deep(
                latents,
                timesteps,
                conditions if part is None else network.outer_conditions(conditions),
                pose_features=pose_features,
                guidance_scale=guidance_scale,
                deep=part,
            )
            for conditions, part in zip(samples, _split(deep, len(samples)), strict=True)
        ]
        predictions = [prediction for prediction, _ in found]
        if deep is None:
            deep = found[0][1] if len(found) == 1 else paddle.concat([part for _, part in found])
        return predictions, deep

    def scale_input(self, noisy_latents: paddle.Tensor, timesteps: paddle.Tensor) -> paddle.Tensor:
        """Return what the denoising network is given of noisy latents [B, 4, F, h, w].

        One that predicts the clean latents is given their best linear guess, see `wiener_gain`.
        """
        if self.config.prediction_type != "sample":
            return noisy_latents
        variance = PIXEL_VARIANCE * self.config.vae.scaling_factor**2
        gain = wiener_gain(timesteps.flatten(), self.scheduler.alphas_cumprod, variance)
        frames = -1 if timesteps.ndim == 2 else 1  # [B, F] or [B]
        return noisy_latents * gain.reshape([timesteps.shape[0], 1, frames, 1, 1])

    def predict(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        *,
        image_embeds: paddle.Tensor,
        pose_pixels: paddle.Tensor,
        reference_latents: paddle.Tensor | None,
        reference_pose: paddle.Tensor | None = None,
        reference_mask: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Prediction [B, 4, F, h, w] for noisy latents under pose and reference (see `UNet`)."""
        pose_features = self.pose_guider(pose_pixels)
        return self.denoise(
            noisy_latents,
            timesteps,
            self.conditions(image_embeds, reference_latents, reference_pose),
            pose_features=pose_features,
            reference_mask=reference_mask,
            guidance_scale=guidance_scale,
        )

    def loss(
        self,
        latents: paddle.Tensor,
        noise: paddle.Tensor,
        timesteps: paddle.Tensor,
        part_mask: paddle.Tensor | None = None,
        **conditions: Any,
    ) -> paddle.Tensor:
        """Min-SNR weighted error of the prediction, a scalar; see `aa.models.objectives`.

        With a `temporal_weight` flicker counts more, see `with_changes`; with a `part_weight` an
        error counts 1 + part_weight times where there is a face or a hand.

        Args:
            latents, noise: [B, 4, F, h, w].
            timesteps: integers [B], one for all frames, or [B, F].
            part_mask: [B, 1, F, h, w] in [0, 1], where face and hands are; None: nowhere.
            conditions: see `predict`.
        """
        kind, alphas = self.config.prediction_type, self.scheduler.alphas_cumprod
        batch = Batch(latents, noise, timesteps, conditions)
        prediction, target, timesteps = self.objective(self, batch)
        weights = min_snr_weight(timesteps, alphas, self.snr_gamma, kind)
        places = None if part_mask is None else 1 + self.part_weight * part_mask
        return with_changes(prediction, target, weights, places, self.temporal_weight)

    def forward(
        self,
        pose_pixels: paddle.Tensor,
        clip_pixels: paddle.Tensor,
        drop_reference: paddle.Tensor,
        timesteps: paddle.Tensor,
        noise: paddle.Tensor,
        posterior_noise: paddle.Tensor,
        reference_posterior_noise: paddle.Tensor,
        *,
        pixel_values: paddle.Tensor | None = None,
        reference_pixels: paddle.Tensor | None = None,
        reference_pose_pixels: paddle.Tensor | None = None,
        moments: paddle.Tensor | None = None,
        reference_moments: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
        part_mask: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Training loss of a batch of `ClipDataset` items; every draw comes with the batch.

        A sample with `drop_reference` goes without reference tokens and with a zero image
        embedding, exactly what the unconditional half of guidance sees. Frames come as pixels or
        as moments (see `encode_moments`).
        """
        with paddle.no_grad():
            latents, reference_latents = self.encode_clip(
                pixel_values,
                reference_pixels,
                moments,
                reference_moments,
                posterior_noise,
                reference_posterior_noise,
            )
            keep = paddle.logical_not(drop_reference)
        image_embeds = self.encode_image(clip_pixels)
        image_embeds = image_embeds * keep.astype(image_embeds.dtype).reshape([-1, 1, 1])
        # If no sample drops its reference, its keys and values are the same for all its frames.
        keep = None if bool(keep.all()) else keep
        return self.loss(
            latents,
            noise,
            timesteps,
            part_mask,
            image_embeds=image_embeds,
            pose_pixels=pose_pixels,
            reference_latents=reference_latents,
            reference_pose=reference_pose_pixels,
            reference_mask=keep,
            guidance_scale=guidance_scale,
        )


def _split(deep: paddle.Tensor | None, samples: int) -> Sequence[paddle.Tensor | None]:
    """Deep features of each sample; None for each where there are none."""
    return [None] * samples if deep is None else deep.split(samples)

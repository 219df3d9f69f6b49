"""The parts of a generation as functions of tensors alone, to trace them and to export them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, cast

import paddle
from paddle.static import InputSpec

from aa.models.attention import Condition
from aa.models.tracing import trace_program

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone


def encode(model: AnimateAnyone, pixels: paddle.Tensor) -> paddle.Tensor:
    """Pixels [N, 3, H, W] -> scaled latents [N, 4, h, w]."""
    return model.encode_pixels(pixels)


def encode_image(model: AnimateAnyone, clip_pixels: paddle.Tensor) -> paddle.Tensor:
    """CLIP pixels [B, 3, S, S] -> image embeddings [B, 1, D]."""
    return model.encode_image(clip_pixels)


def encode_reference(
    model: AnimateAnyone,
    image_embeds: paddle.Tensor,
    reference_latents: paddle.Tensor,
    *reference_pose: paddle.Tensor,
) -> list[paddle.Tensor]:
    """Image embedding [1, 1, D] and clean latents [1, 4, h, w] -> `flat` conditions.

    Behind them stands the image's own pose [1, 3, H, W] of a model that is given it.
    """
    return flat(model.conditions(image_embeds, reference_latents, *reference_pose))


def encode_pose(model: AnimateAnyone, pose_pixels: paddle.Tensor) -> paddle.Tensor:
    """Pose pixels [1, 3, F, H, W] -> features [1, C, F, h, w]."""
    return model.pose_guider(pose_pixels)


def denoise(
    model: AnimateAnyone,
    latents: paddle.Tensor,
    timesteps: paddle.Tensor,
    pose_features: paddle.Tensor,
    *conditions: paddle.Tensor,
) -> paddle.Tensor:
    """Scaled noisy latents [1, 4, F, h, w], timesteps [1], `flat` conditions -> prediction.

    The conditions may be of several samples, the prediction is [B, 4, F, h, w] then. Behind them
    stands the scale of guidance [1] of a model that has an embedding of it.
    """
    return denoise_with_deep(model, latents, timesteps, pose_features, *conditions)[0]


def denoise_with_deep(
    model: AnimateAnyone,
    latents: paddle.Tensor,
    timesteps: paddle.Tensor,
    pose_features: paddle.Tensor,
    *conditions: paddle.Tensor,
    deep: paddle.Tensor | None = None,
) -> list[paddle.Tensor]:
    """As `denoise` -> prediction, deep features [B*F, C, h, w]; see `UNet.predict_with_deep`."""
    whole = len(conditions) // 3 * 3
    scale = conditions[whole] if len(conditions) > whole else None
    return list(
        model.denoising_unet.predict_with_deep(
            latents,
            timesteps,
            conditions_of(conditions[:whole]),
            pose_features=pose_features,
            guidance_scale=scale,
            deep=deep,
        )
    )


def denoise_from_deep(
    model: AnimateAnyone,
    latents: paddle.Tensor,
    timesteps: paddle.Tensor,
    pose_features: paddle.Tensor,
    deep: paddle.Tensor,
    *conditions: paddle.Tensor,
) -> paddle.Tensor:
    """As `denoise`, from the deep features of an earlier step and `flat` outer conditions."""
    return denoise_with_deep(model, latents, timesteps, pose_features, *conditions, deep=deep)[0]


def decode(model: AnimateAnyone, latents: paddle.Tensor) -> paddle.Tensor:
    """Scaled latents [N, 4, h, w] -> pixels [N, 3, H, W] in [0, 1]."""
    return model.decode_latents(latents)


def flat(conditions: Iterable[Condition]) -> list[paddle.Tensor]:
    """Conditions with a reference as one list: token, key and value of every attention block."""
    return cast("list[paddle.Tensor]", list(chain.from_iterable(conditions)))


def conditions_of(tensors: Sequence[paddle.Tensor]) -> list[Condition]:
    """The conditions that `flat` made one list of."""
    return [Condition(*tensors[i : i + 3]) for i in range(0, len(tensors), 3)]


def condition_shapes(model: AnimateAnyone, height: int, width: int) -> list[tuple[int, ...]]:
    """Shapes of a character's `flat` conditions for latents of height x width."""
    config = model.config
    specs = [
        spec(1, 1, config.cross_attention_dim),
        spec(1, config.vae.latent_channels, height, width),
    ]
    program = trace_program(lambda *tensors: encode_reference(model, *tensors), specs)
    return [tuple(value.shape) for value in program.outputs]


def spec(*shape: int, dtype: str = "float32") -> InputSpec:
    """Paddle's InputSpec of a tensor that needs no gradient."""
    return InputSpec(list(shape), dtype, stop_gradient=True)  # pyright: ignore[reportArgumentType]

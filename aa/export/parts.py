"""The parts of a model that are exported, in the order of their calls: sizes, names, graphs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paddle
from paddle.static import InputSpec

from aa.data.transforms import CLIP_MEAN, CLIP_STD
from aa.export.animation import Animation
from aa.models import parts
from aa.models.attention import guidance_pair
from aa.models.parts import spec

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone


@dataclass(frozen=True)
class ExportedPart:
    """A function of the model and tensors, with the names that its ONNX file gives them."""

    function: Callable[..., Any]
    inputs: dict[str, InputSpec]
    outputs: list[str]


def encode_image(model: "AnimateAnyone", clip_pixels: paddle.Tensor) -> paddle.Tensor:
    """Pixels of a squashed image [1, 3, S, S] in [0, 1] -> image embedding [1, 1, D]."""
    mean, spread = (paddle.to_tensor(x.reshape(1, 3, 1, 1)) for x in (CLIP_MEAN, 1 / CLIP_STD))
    return model.encode_image((clip_pixels - mean) * spread)


def encode(model: "AnimateAnyone", pixels: paddle.Tensor) -> paddle.Tensor:
    """Pixels [1, 3, H, W] in [0, 1] -> scaled latents [1, C, h, w]."""
    return model.encode_pixels(pixels * 2 - 1)


def decode(model: "AnimateAnyone", latents: paddle.Tensor) -> paddle.Tensor:
    """Scaled latents [1, C, h, w] -> frame [1, H, W, 3] in [0, 1]."""
    return model.decode_latents(latents).transpose([0, 2, 3, 1])


def encode_pair(
    model: "AnimateAnyone", image_embeds: paddle.Tensor, reference_latents: paddle.Tensor
) -> list[paddle.Tensor]:
    """`flat` conditions of both halves of guidance, see `guidance_pair`."""
    nobody = paddle.zeros(image_embeds.shape)
    pair = model.conditions(image_embeds, reference_latents), model.conditions(nobody)
    return parts.flat(guidance_pair(*pair))


def guided(scale: float) -> Callable[..., paddle.Tensor]:
    """`parts.denoise` with the conditions of `encode_pair`, its halves brought together."""

    def denoise(model, latents, timesteps, pose_features, *conditions):
        both = parts.denoise(model, latents, timesteps, pose_features, *conditions)
        conditional, unconditional = both.chunk(2, axis=0)
        return unconditional + scale * (conditional - unconditional)

    return denoise


def in_one_pass(scale: float) -> Callable[..., paddle.Tensor]:
    """`parts.denoise` of a model that has an embedding of the scale of guidance."""

    def denoise(model, latents, timesteps, pose_features, *conditions):
        given = paddle.full([1], max(1.0, scale), "float32")
        return parts.denoise(model, latents, timesteps, pose_features, *conditions, given)

    return denoise


def exported_parts(model: "AnimateAnyone", animation: Animation) -> dict[str, ExportedPart]:
    """The parts of a model by name, in the order of their calls."""
    network, stride = model.config, model.config.vae.stride
    size, scale = (animation.height, animation.width), animation.guidance_scale
    pair = scale > 1 and not model.has_guidance
    sides, channels = [s // stride for s in size], network.vae.latent_channels
    side = network.image_encoder.image_size
    shapes = parts.condition_shapes(model, *sides)
    # Of three the first is the token, which alone is of both halves of guidance.
    conditions = {
        f"condition_{i}": spec(2 if pair and i % 3 == 0 else 1, *shape[1:])
        for i, shape in enumerate(shapes)
    }
    reference = {
        "image_embeds": spec(1, 1, network.cross_attention_dim),
        "reference_latents": spec(1, channels, *sides),
    }
    frames, first = animation.frames, network.block_out_channels[0]
    noisy = {
        "latents": spec(1, channels, frames, *sides),
        "timesteps": spec(1, dtype="int64"),
        "pose_features": spec(1, first, frames, *sides),
        **conditions,
    }
    encode_reference, denoise = parts.encode_reference, parts.denoise
    if model.has_guidance:
        denoise = in_one_pass(scale)
    elif pair:
        encode_reference, denoise = encode_pair, guided(scale)
    return {
        "encode_image": ExportedPart(
            encode_image, {"clip_pixels": spec(1, 3, side, side)}, ["image_embeds"]
        ),
        "encode": ExportedPart(encode, {"pixels": spec(1, 3, *size)}, ["reference_latents"]),
        "encode_reference": ExportedPart(encode_reference, reference, [*conditions]),
        "encode_pose": ExportedPart(
            parts.encode_pose, {"pose_pixels": spec(1, 3, 1, *size)}, ["pose_features"]
        ),
        "denoise": ExportedPart(denoise, noisy, ["prediction"]),
        "decode": ExportedPart(decode, {"latents": spec(1, channels, *sides)}, ["frame"]),
    }

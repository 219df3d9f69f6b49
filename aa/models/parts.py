"""The parts of a generation as functions of tensors alone, to trace them and to export them."""

from itertools import chain

from paddle.static import InputSpec

from aa.models.attention import Condition
from aa.models.tracing import trace_program


def encode(model, pixels):
    """Pixels [N, 3, H, W] -> scaled latents [N, 4, h, w]."""
    return model.encode_pixels(pixels)


def encode_reference(model, image_embeds, reference_latents):
    """Image embedding [1, 1, D] and clean latents [1, 4, h, w] -> `flat` conditions."""
    return flat(model.conditions(image_embeds, reference_latents))


def encode_pose(model, pose_pixels):
    """Pose pixels [1, 3, F, H, W] -> features [1, C, F, h, w]."""
    return model.pose_guider(pose_pixels)


def denoise(model, latents, timesteps, pose_features, *conditions):
    """Scaled noisy latents [1, 4, F, h, w], timesteps [1], `flat` conditions -> prediction.

    The conditions may be of several samples, the prediction is [B, 4, F, h, w] then.
    """
    conditions = [Condition(*conditions[i : i + 3]) for i in range(0, len(conditions), 3)]
    return model.denoising_unet(latents, timesteps, conditions, pose_features=pose_features)


def decode(model, latents):
    """Scaled latents [N, 4, h, w] -> pixels [N, 3, H, W] in [0, 1]."""
    return model.decode_latents(latents)


def flat(conditions):
    """Conditions with a reference as one list: token, key and value of every attention block."""
    return list(chain.from_iterable(conditions))


def condition_shapes(model, height, width):
    """Shapes of a character's `flat` conditions for latents of height x width."""
    config = model.config
    specs = [
        spec(1, 1, config.cross_attention_dim),
        spec(1, config.vae.latent_channels, height, width),
    ]
    program = trace_program(lambda *tensors: encode_reference(model, *tensors), specs)
    return [tuple(value.shape) for value in program.outputs]


def spec(*shape, dtype="float32"):
    """Paddle's InputSpec of a tensor that needs no gradient."""
    return InputSpec(list(shape), dtype, stop_gradient=True)

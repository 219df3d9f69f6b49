"""From images to what the denoiser is given: the character's conditions, the poses' features."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import paddle
from PIL import Image

from aa.config.sampling import SamplingOptions
from aa.data.pictures import flatten
from aa.data.transforms import clip_pixels, fit_frames, to_signed, to_unit
from aa.inference.reference_pose import check_reference_pose, reference_pose_pixels
from aa.models.attention import Condition

if TYPE_CHECKING:
    from aa.data.poses import PoseVideo
    from aa.inference.compiled.model import CompiledModel
    from aa.inference.watching import Watch
    from aa.models.animate_anyone import AnimateAnyone

# With the character, and without it: None where one pass is enough.
Conditions = tuple[list[Condition], list[Condition] | None]


@paddle.no_grad()
def encode_reference(
    model: "AnimateAnyone | CompiledModel",
    image: Image.Image,
    pose: Image.Image | None,
    size: tuple[int, int],
    options: SamplingOptions,
    watch: "Watch | None" = None,
) -> Conditions:
    """Conditions of a character's image, and those of guidance without it.

    Args:
        pose: drawing of the character's pose in the image, for a model that has that input.
        size: (height, width) of the result in pixels.
        watch: is told of the image and its latents.

    Raises:
        UserError: the pose is missing, or not wanted, or has another shape than the image.
    """
    check_reference_pose(
        wanted=model.has_reference_pose,
        given=pose is not None,
        advice="give reference_pose=<a drawing of it>",
    )
    picture = flatten(image, options.background)
    pixels = to_signed(fit_frames(np.asarray(picture)[None], size, fit=options.fit))[:, 0]
    latents = model.encode_pixels(paddle.to_tensor(pixels[None]))
    if watch:
        watch.encoded(pixels, latents[0].numpy())
    side = model.config.image_encoder.image_size
    image_embeds = model.encode_image(paddle.to_tensor(clip_pixels(picture, size=side)[None]))
    own = None
    if pose is not None:
        own = paddle.to_tensor(reference_pose_pixels(pose, picture, size, fit=options.fit))
    conditional = model.conditions(image_embeds, latents, own)
    if options.guidance_scale <= 1 or model.has_guidance:
        return conditional, None
    return conditional, model.conditions(paddle.zeros_like(image_embeds))


@paddle.no_grad()
def encode_poses(
    model: "AnimateAnyone | CompiledModel",
    pose_images: Iterable[Image.Image | np.ndarray],
    size: tuple[int, int],
    fit: str,
) -> paddle.Tensor:
    """Pose features [1, C, F, h, w] of images or uint8 arrays [H, W, 3]."""
    arrays = [
        np.asarray(image if isinstance(image, np.ndarray) else flatten(image, "black"))
        for image in pose_images
    ]
    pixels = [to_unit(fit_frames(array[None], size, fit=fit)) for array in arrays]
    return model.pose_guider(paddle.to_tensor(np.concatenate(pixels, axis=1)[None]))


def encode_pose_video(
    model: "AnimateAnyone | CompiledModel",
    pose_images: "Sequence[Image.Image | np.ndarray] | PoseVideo",
    size: tuple[int, int],
    fit: str,
    batch: int,
) -> paddle.Tensor:
    """Features of a whole video, `batch` frames at once; see `encode_poses`."""
    features = None
    for start in range(0, len(pose_images), batch):
        part = encode_poses(model, pose_images[start : start + batch], size, fit)
        if features is None:  # filled in place: a list would need twice the memory at its end
            shape = [*part.shape[:2], len(pose_images), *part.shape[3:]]
            features = paddle.empty(shape, part.dtype)
        features[:, :, start : start + batch] = part
    assert features is not None
    return features

"""The reference's own pose: an input of weights that were trained with `stage.reference_pose`."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from aa.data.pictures import flatten
from aa.data.transforms import apply, place, rescale, to_unit
from aa.errors import UserError

SHAPES_DIFFER = 0.02  # of their ratio: what whole pixels make of one shape


def check_reference_pose(*, wanted: bool, given: bool, advice: str, whose: str = "") -> None:
    """Check that a model is given its reference's pose if it has that input, and only then.

    Args:
        wanted: whether the model has the input.
        given: whether there is a pose.
        advice: how to give it.
        whose: the reference, to begin the line with.

    Raises:
        UserError: one is without the other.
    """
    if wanted and not given:
        raise UserError(
            f"{whose}these weights are given the pose of the reference too, and there is none: "
            f"{advice}."
        )
    if given and not wanted:
        raise UserError(
            f"{whose}reference_pose is for weights that were trained with "
            "stage.reference_pose=true, and these were not: leave it out."
        )


def check_shape(
    size: tuple[int, int], image: tuple[int, int], *, whose: str = "reference_pose"
) -> None:
    """Check that a pose has the shape of its reference, but for what rounding makes of it.

    Args:
        size, image: (height, width) of the frame of the pose, and of the reference, in pixels.
        whose: to begin the line with.

    Raises:
        UserError: it has another shape.
    """
    ratio = (size[1] / size[0]) / (image[1] / image[0])
    if abs(ratio - 1) > max(SHAPES_DIFFER, 1 / min(size)):  # a pixel of the shorter side
        raise UserError(
            f"{whose}: is {size[1]} x {size[0]} pixels, the reference {image[1]} x {image[0]}; "
            "the skeleton must be drawn on a picture of the reference's shape."
        )


def reference_pose_pixels(
    pose: Image.Image, image: Image.Image, size: Sequence[int], *, fit: str
) -> np.ndarray:
    """The drawing of a reference's pose, laid over the fitted reference: [1, 3, H, W] in [0, 1].

    Args:
        pose: of the reference's shape, in any resolution.
        image: the reference.
        size: (height, width) of the result in pixels.
        fit: of the reference, see `place`.

    Raises:
        UserError: the pose has another shape.
    """
    check_shape((pose.height, pose.width), (image.height, image.width))
    sizes = (image.height, image.width), (pose.height, pose.width)
    over = rescale(place(sizes[0], size, fit=fit), *sizes)
    return to_unit(apply(np.asarray(flatten(pose, "black"))[None], over))[None, :, 0]

"""The aligned skeleton over the picture: whether it fits is seen at a glance."""

import numpy as np

from aa.poses.drawing import draw_poses
from aa.poses.poses import Poses

DIMMED = 0.45  # of the picture's brightness, so that the skeleton stands out
OWN = (255, 255, 255)  # colour of the picture's own skeleton
OWN_SHARE = 0.55  # of it over the picture


def draw_overlay(picture: np.ndarray, aligned: Poses, reference: Poses | None = None) -> np.ndarray:
    """Draw the first aligned pose over the picture, and in white the picture's own below it.

    Args:
        picture: uint8 RGB [H, W, 3].
        aligned: in the picture's frame; its first frame is drawn.
        reference: the picture's own pose, if it is to be seen too.

    Returns:
        uint8 [H, W, 3].
    """
    height, width = picture.shape[:2]
    canvas = picture.astype(np.float32) * DIMMED
    if reference is not None:
        drawn = draw_poses(reference[:1], height=height, width=width)[0]
        own = drawn.any(axis=2)
        canvas[own] += OWN_SHARE * (np.array(OWN) - canvas[own])
    drawn = draw_poses(aligned[:1], height=height, width=width)[0]
    shown = drawn.any(axis=2)
    canvas[shown] = drawn[shown]
    return canvas.round().astype(np.uint8)

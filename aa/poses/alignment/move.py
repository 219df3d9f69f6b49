"""All 128 points of a driver on the picture's bones and in its place."""

from dataclasses import replace

import numpy as np

from aa.poses.alignment.bones import HIPS, Joints
from aa.poses.alignment.place import ANKLES, stand
from aa.poses.alignment.rebuild import find_root, hang, rebuild, root_path
from aa.poses.poses import Poses
from aa.poses.skeleton import (
    BODY,
    FACE,
    LEFT_HAND,
    LEFT_WRIST,
    NOSE,
    RIGHT_HAND,
    RIGHT_WRIST,
)

HAND_LIMITS = (0.8, 1.25)  # of a hand's ratio over that of the whole
HANDS = (
    (LEFT_HAND, LEFT_WRIST, "left forearm"),
    (RIGHT_HAND, RIGHT_WRIST, "right forearm"),
)


def move(driving: Poses, reference: Poses, ratios: dict[str, float]) -> Poses:
    """The driver's poses in the picture's frame.

    Args:
        driving: F frames.
        reference: one frame.
        ratios: pixels of the picture per pixel of the driver's, by the names of BONES, "head" and
            "whole".
    """
    joints, picture = Joints.of(driving), Joints.of(reference)
    root, scale = find_root(joints, picture), ratios["whole"]
    assert root is not None  # `align_poses` has checked it
    path = root_path(joints, root)
    new = rebuild(joints, path, root, ratios)
    new += (picture.points[0, root] + scale * (path - path[0]))[:, None]
    ground = ground_of(picture)
    if ground is not None:
        down = stand(
            joints.points, new, ground=ground, scale=scale, height=joints.height(), fps=driving.fps
        )
        new[..., 1] += down[:, None]
    points = _all_points(driving, joints.points, new, ratios)
    seen = driving.seen & np.isfinite(points).all(axis=2)
    moved = driving.with_points(np.where(seen[..., None], points, 0), driving.scores * seen)
    return replace(moved, height=reference.height, width=reference.width)


def ground_of(picture: Joints) -> float | None:
    """y of the lower ankle in the picture; None if it shows none."""
    ankles = picture.points[0, ANKLES, 1]
    return None if np.isnan(ankles).all() else float(np.nanmax(ankles))


def anchor_of(picture: Joints) -> np.ndarray:
    """Where the person is, x and y: under its root on the ground, or its root."""
    root = find_root(picture, picture)
    x, y = picture.points[0, HIPS if root is None else root]
    ground = ground_of(picture)
    return np.array([x, y if ground is None else ground])


def _all_points(
    driving: Poses, old: np.ndarray, new: np.ndarray, ratios: dict[str, float]
) -> np.ndarray:
    """The new joints [F, 19, 2] with hands and face hung on them, [F, 128, 2]."""
    points = ratios["whole"] * driving.points.astype(np.float64)
    points[:, BODY] = new[:, : BODY.stop]
    for hand, wrist, forearm in HANDS:
        smallest, largest = (ratios["whole"] * limit for limit in HAND_LIMITS)
        ratio = min(max(ratios[forearm], smallest), largest)
        points[:, hand] = hang(driving.points[:, hand], old[:, wrist], new[:, wrist], ratio)
    nose = old[:, NOSE]
    points[:, FACE] = hang(driving.points[:, FACE], nose, new[:, NOSE], ratios["head"])
    return points

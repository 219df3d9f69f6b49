"""The driver's body on the picture's bones: each joint anew from the one that it hangs on."""

import numpy as np

from aa.poses.alignment.bones import HEAD, HEAD_NAME, HIPS, Joints
from aa.poses.skeleton import (
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    NOSE,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

ROOTS = (HIPS, NECK, NOSE)  # the first that both sides show is where the body hangs

# The spine from each root, then what hangs on it: (joint, ratio, joints it may hang on). Where a
# frame does not show the first of these, the next is taken.
_SPINES = {
    HIPS: ((NECK, "torso", (HIPS,)), (NOSE, "neck", (NECK, HIPS))),
    NECK: ((HIPS, "torso", (NECK,)), (NOSE, "neck", (NECK,))),
    NOSE: ((NECK, "neck", (NOSE,)), (HIPS, "torso", (NECK, NOSE))),
}
_LIMBS = (
    (RIGHT_SHOULDER, "shoulders", (NECK, HIPS)),
    (LEFT_SHOULDER, "shoulders", (NECK, HIPS)),
    (RIGHT_ELBOW, "right upper arm", (RIGHT_SHOULDER, NECK)),
    (LEFT_ELBOW, "left upper arm", (LEFT_SHOULDER, NECK)),
    (RIGHT_WRIST, "right forearm", (RIGHT_ELBOW, RIGHT_SHOULDER, NECK)),
    (LEFT_WRIST, "left forearm", (LEFT_ELBOW, LEFT_SHOULDER, NECK)),
    (RIGHT_HIP, "hips", (HIPS,)),
    (LEFT_HIP, "hips", (HIPS,)),
    (RIGHT_HIP, "torso", (NECK,)),
    (LEFT_HIP, "torso", (NECK,)),
    (RIGHT_KNEE, "right thigh", (RIGHT_HIP, HIPS)),
    (LEFT_KNEE, "left thigh", (LEFT_HIP, HIPS)),
    (RIGHT_ANKLE, "right shin", (RIGHT_KNEE, RIGHT_HIP)),
    (LEFT_ANKLE, "left shin", (LEFT_KNEE, LEFT_HIP)),
    *((joint, HEAD_NAME, (NOSE,)) for joint in HEAD),
)


def find_root(driving: Joints, reference: Joints) -> int | None:
    """The joint of ROOTS that the picture and some driving frame show, or None."""
    shown = driving.seen.any(axis=0) & reference.seen[0]
    return next((root for root in ROOTS if shown[root]), None)


def root_path(driving: Joints, root: int) -> np.ndarray:
    """Where the root is in each driving frame, [F, 2]; gaps are bridged.

    Hips that a frame hides are taken to hang on its neck as in the frames around it.
    """
    path = driving.points[:, root].copy()
    if root == HIPS:
        hanging = bridged(path - driving.points[:, NECK])
        path = np.where(np.isnan(path), driving.points[:, NECK] + hanging, path)
    return bridged(path)


def bridged(values: np.ndarray) -> np.ndarray:
    """Values over time [F, 2] with gaps (nan) filled on straight lines; all nan if all were."""
    frames, good = np.arange(len(values)), ~np.isnan(values[:, 0])
    if not good.any():
        return values
    return np.stack([np.interp(frames, frames[good], v[good]) for v in values.T], axis=1)


def rebuild(driving: Joints, path: np.ndarray, root: int, ratios: dict[str, float]) -> np.ndarray:
    """Joints relative to the root, [F, 19, 2]; nan where the driver's were not seen.

    Args:
        driving: F frames.
        path: of the root, see `root_path`.
        root: one of ROOTS.
        ratios: by the names of BONES, "head" and "whole".
    """
    old = driving.points - path[:, None]
    old[:, root] = 0
    new = np.full_like(old, np.nan)
    new[:, root] = 0
    for joint, name, parents in (*_SPINES[root], *_LIMBS):
        for parent in parents:
            placed = new[:, parent] + ratios[name] * (old[:, joint] - old[:, parent])
            new[:, joint] = np.where(np.isnan(new[:, joint]), placed, new[:, joint])
    loose = ratios["whole"] * old  # what hangs on nothing that was seen
    return np.where(np.isnan(new), loose, new)


def hang(
    points: np.ndarray, old: np.ndarray, new: np.ndarray, ratio: float | np.ndarray
) -> np.ndarray:
    """Points [F, N, 2] scaled about the joint they hang on: from old to new place, both [F, 2]."""
    return new[:, None] + ratio * (points - old[:, None])

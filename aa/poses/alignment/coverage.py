"""How much of a body is in the picture: full, knees, hips, chest or head."""

import numpy as np

from aa.poses.poses import Poses
from aa.poses.skeleton import (
    LEFT_ANKLE,
    LEFT_EAR,
    LEFT_EYE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    NOSE,
    RIGHT_ANKLE,
    RIGHT_EAR,
    RIGHT_EYE,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
)

# From much to little; a side shows as much if it shows one of the joints.
COVERAGES = {
    "full": (RIGHT_ANKLE, LEFT_ANKLE),
    "knees": (RIGHT_KNEE, LEFT_KNEE),
    "hips": (RIGHT_HIP, LEFT_HIP),
    "chest": (RIGHT_SHOULDER, LEFT_SHOULDER),
    "head": (NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR),
}
SHOWN = {
    "full": "the full body",
    "knees": "the body down to the knees",
    "hips": "the body down to the hips",
    "chest": "the chest and head",
    "head": "the head alone",
    "none": "nobody",
}


def coverage(poses: Poses) -> str:
    """A key of COVERAGES, or "none": the most that half of the frames show inside the picture."""
    inside = poses.seen & in_canvas(poses.points, poses.height, poses.width)
    for name, joints in COVERAGES.items():
        if len(poses) and inside[:, list(joints)].any(axis=1).mean() >= 0.5:
            return name
    return "none"


def in_canvas(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which points [..., 2] lie on a picture's pixels: bool [...]."""
    x, y = points[..., 0], points[..., 1]
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)

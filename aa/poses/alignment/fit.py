"""Whether the aligned body stays in the picture, and the largest scale at which it would."""

from dataclasses import replace

import numpy as np

from aa.poses.alignment.coverage import in_canvas
from aa.poses.poses import Poses
from aa.poses.skeleton import BODY

MOST_OUTSIDE = 0.05  # of the joints may leave the picture before it is said
STRAYS = 0.01  # of the joints may still leave it at the scale that is called fitting
SMALLEST = 0.3  # a driver who walks out of the picture is not followed any further


def outside_share(poses: Poses, counted: np.ndarray) -> float:
    """The share of body joints outside the picture, of those seen and `counted` (bool [18])."""
    seen = poses.seen[:, BODY] & counted
    outside = seen & ~in_canvas(poses.points[:, BODY], poses.height, poses.width)
    return float(outside.sum() / max(seen.sum(), 1))


def fitting_scale(poses: Poses, counted: np.ndarray, anchor: np.ndarray) -> float:
    """The largest scale about `anchor` (x, y), 1 at most, that keeps `counted` joints inside.

    All but STRAYS of them.
    """
    seen = poses.seen[:, BODY] & counted
    away = (poses.points[:, BODY] - anchor)[seen]
    if not len(away):
        return 1.0
    last = np.array([poses.width, poses.height]) - 0.5
    room = np.where(away > 0, last - anchor, -0.5 - anchor)
    scales = np.where(np.abs(away) > 1e-9, room / np.where(away, away, 1), np.inf).min(axis=1)
    return float(np.clip(np.quantile(scales, STRAYS, method="lower"), SMALLEST, 1.0))


def shrink(poses: Poses, scale: float, anchor: np.ndarray) -> Poses:
    """Poses scaled about `anchor` (x, y) in pixels."""
    return replace(poses.with_points(anchor + scale * (poses.points - anchor)))

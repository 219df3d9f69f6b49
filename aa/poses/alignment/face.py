"""How much of the driver's expression the face keeps."""

import numpy as np

from aa.poses.poses import Poses
from aa.poses.skeleton import FACE

# Points of the 68 that an expression hardly moves: the jaw near the ears, the nose, eyes' corners.
RIGID = np.array([0, 1, 2, 14, 15, 16, *range(27, 36), 36, 39, 42, 45])


def weaken_expression(driving: Poses, strength: float) -> Poses:
    """Return poses whose faces have `strength` (0..1) of their expression.

    What of a face is expression: its difference from the clip's middle face, once that is laid on
    the frame's (by an affine map of the points that expressions hardly move, so that heads still
    turn). Faces that are not seen whole stay as they are.
    """
    whole = driving.seen[:, FACE].all(axis=1)
    if strength == 1 or not whole.any():
        return driving
    faces = driving.points[whole, FACE].astype(np.float64)
    centred = faces - faces[:, RIGID].mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred[:, RIGID] ** 2).sum(axis=2).mean(axis=1))
    middle = np.median(centred / np.maximum(sizes, 1e-6)[:, None, None], axis=0)
    # Each face's affine map: middle @ linear + shift, by least squares over the rigid points.
    design = np.concatenate([middle, np.ones((len(middle), 1))], axis=1)
    maps = np.linalg.pinv(design[RIGID]) @ faces[:, RIGID]
    laid = design @ maps
    points = driving.points.copy()
    points[whole, FACE] = laid + strength * (faces - laid)
    return driving.with_points(points)

"""How the camera of a driving video zooms, from the lengths of all bones. Nothing else is known."""

import warnings

import numpy as np

from aa.poses.alignment.bones import BONES, Joints
from aa.poses.poses import Poses

LONGEST = 90  # percentile over the clip of a bone's length that stands for its true one
NEAREST = 75  # percentile over bones: foreshortening only makes shorter, so the longer ones tell
SECONDS = 1.0  # a zoom takes longer than this; what is faster is motion
LEAST = 1.08  # a zoom by less is none


def camera_zoom(joints: Joints, fps: float) -> np.ndarray:
    """How much larger the person is shown than in the first frame, [F]; 1 where nothing is known.

    Each bone is compared with its own length over the clip, so that another pose is no zoom:
    a turned body has narrower shoulders, and a torso as long as before.
    """
    lengths = np.stack([joints.lengths(bone) for bone in BONES.values()], axis=1)
    known = ~np.isnan(lengths).all(axis=0)
    lengths = lengths[:, known]
    if not lengths.size or np.isnan(lengths).all(axis=1).all():
        return np.ones(len(lengths))
    zoom = np.ones(len(lengths))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames that show nobody
        for _ in range(3):  # bones are seen in different frames: their lengths need the zoom
            full = np.nanpercentile(lengths / zoom[:, None], LONGEST, axis=0)
            zoom = smooth(np.nanpercentile(lengths / full, NEAREST, axis=1), fps)
    zoom = zoom / zoom[0]
    return zoom if zoom.max() > LEAST * zoom.min() else np.ones_like(zoom)


def smooth(values: np.ndarray, fps: float) -> np.ndarray:
    """Medians over `SECONDS` around each frame [F], gaps (nan) bridged, then means over half."""
    frames = np.arange(len(values))
    good = ~np.isnan(values)
    values = np.interp(frames, frames[good], values[good])
    half = min(round(SECONDS * fps / 2), (len(values) - 1) // 2)
    return running(running(values, half, np.median), half // 2, np.mean)


def running(values: np.ndarray, half: int, what) -> np.ndarray:
    """`what` (a function of an array and an axis) over `half` values to each side of each [F].

    Beyond the ends the values continue point-mirrored, so that a slope stays a slope.
    """
    if not half:
        return values
    before, after = 2 * values[0] - values[half:0:-1], 2 * values[-1] - values[-2 : -half - 2 : -1]
    padded = np.concatenate([before, values, after])
    return what(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)


def without_zoom(poses: Poses, zoom: np.ndarray) -> Poses:
    """Poses as a camera that does not zoom would show them; the frame's middle stays."""
    middle = np.array([poses.width - 1, poses.height - 1]) / 2
    return poses.with_points(middle + (poses.points - middle) / zoom[:, None, None])

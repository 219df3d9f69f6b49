"""Where the body is: the root's path, and feet that stand on the picture's ground."""

import numpy as np

from aa.poses.alignment.zoom import running
from aa.poses.skeleton import LEFT_ANKLE, RIGHT_ANKLE

ANKLES = [RIGHT_ANKLE, LEFT_ANKLE]
SLOW = 0.5  # body heights a second: a foot that is slower may be standing
FIRST = 1.0  # seconds of standing that say where the driver's ground is at first
SECONDS = 0.2  # over which what lifts and lowers the body is smoothed


def stand(
    old: np.ndarray, new: np.ndarray, *, ground: float, scale: float, height: float, fps: float
) -> np.ndarray:
    """Pixels [F] by which bodies are to be moved down for their feet to meet the ground.

    In frames where the driver's lower foot stands, the lower foot of the new body comes to stand
    as far above the ground as the driver's, in its scale; in between, in a jump, the body is moved
    as the stands before and after want it. Zero everywhere if the driver never shows a foot stand.

    Args:
        old: the driver's joints [F, 19, 2] in pixels; nan: not seen.
        new: the new body's.
        ground: y of the picture's ground.
        scale: of the whole, new pixels for each old.
        height: of the driver's body in pixels.
        fps: frames per second.
    """
    heights, feet = old[:, ANKLES, 1], new[:, ANKLES, 1]
    shown = ~np.isnan(heights)
    lowest = np.where(shown, heights, -np.inf).max(axis=1)
    standing = (shown & slow(old[:, ANKLES], SLOW * height / fps)).any(axis=1)
    frames = np.flatnonzero(standing)
    if not len(frames):
        return np.zeros(len(old))
    first = frames[frames <= frames[0] + FIRST * fps]
    level = _start(first, lowest[first])
    own = np.where(shown, feet, -np.inf).max(axis=1)[frames]
    wanted = ground + scale * (lowest[frames] - level) - own
    shift = np.interp(np.arange(len(old)), frames, wanted)
    half = min(round(SECONDS * fps / 2), (len(old) - 1) // 2)
    return running(shift, half, np.mean)


def slow(feet: np.ndarray, limit: float) -> np.ndarray:
    """Which feet [F, 2, 2] move by less than `limit` pixels to the next frame or from the last."""
    if len(feet) < 2:
        return np.ones(feet.shape[:2], bool)
    steps = np.hypot(*np.moveaxis(np.diff(feet, axis=0), 2, 0)) < limit
    return np.concatenate([steps, steps[-1:]]) | np.concatenate([steps[:1], steps])


def _start(frames: np.ndarray, heights: np.ndarray) -> float:
    """Where a straight line through heights [N] begins: the ground moves where the camera does.

    Medians of the slopes of all pairs and of what is left (Theil and Sen): in a jump's highest
    point feet are slow too, and do not count.
    """
    time = (frames - frames[0]).astype(np.float64)
    first, second = np.triu_indices(len(time), 1)
    if not len(first):
        return float(heights[0])
    slope = np.median((heights[second] - heights[first]) / (time[second] - time[first]))
    return float(np.median(heights - slope * time))

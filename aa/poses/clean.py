"""Cleaning of detected poses: sides that were swapped, jumps, short gaps, noise."""

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from aa.poses.poses import MIN_SCORE, Poses
from aa.poses.sides import undo_flips
from aa.poses.skeleton import BODY
from aa.poses.smoothing import smooth_tracks

GAP = 0.3  # seconds
SMOOTH = 0.5  # seconds
# A jump: a point that leaves and comes back within so many frames, each way much farther than it
# moves otherwise: than 4 median absolute deviations above its median, and a share of the figure.
LONGEST_JUMP, DEVIATIONS, LEAST_JUMP = 3, 4.0, 0.05
MAD = 1.4826  # times the median absolute deviation is a normal's standard deviation


@dataclass(frozen=True)
class Cleaning:
    """What cleaning has done, in points of frames (frames for flips)."""

    dropped: int  # seen too poorly
    flipped: int  # frames whose left and right were swapped back
    jumps: int  # taken out
    filled: int  # put into short gaps, those of jumps too
    moved: float  # by smoothing: the mean, as a share of the figure's height

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.flipped} frames with left and right swapped, {self.jumps} jumps, "
            f"{self.filled} points filled in, smoothing moved points by {self.moved:.2%} of the "
            "figure's height"
        )


def clean_poses(
    poses: Poses,
    *,
    flips: bool = True,
    jumps: bool = True,
    gaps: float = GAP,
    smooth: float = SMOOTH,
    min_score: float = MIN_SCORE,
) -> tuple[Poses, Cleaning]:
    """Clean the track of one person. Nothing is invented: a long gap stays one.

    Args:
        poses: F frames.
        flips: swap left and right back where that makes the figure travel less.
        jumps: take out points that leave and come back within three frames.
        gaps: seconds; shorter ones are filled in a straight line.
        smooth: seconds that smoothing looks at, at most; 0 leaves it out.
        min_score: points seen less surely are dropped.

    Returns:
        the poses, points that are not there with score 0, and what was done.
    """
    scores = np.where(poses.scores >= min_score, poses.scores, 0)
    points = poses.points.astype("float64")
    dropped = int(((poses.scores > 0) & (scores == 0)).sum())
    height = figure_height(poses)
    flipped = undo_flips(points, scores, height=height, fps=poses.fps) if flips else 0
    jumped = find_jumps(points, scores > 0, height=height) if jumps else np.zeros_like(scores, bool)
    scores = np.where(jumped, 0, scores)
    before = scores > 0
    fill_gaps(points, scores, longest=int(gaps * poses.fps))
    moved = 0.0
    if smooth:
        smoothed = _smoothed(points, scores > 0, smooth, poses.fps)
        distances = np.linalg.norm(smoothed - points, axis=2)[scores > 0]
        moved = float(distances.mean() / height) if distances.size else 0.0
        points = smoothed
    filled = int(((scores > 0) & ~before).sum())
    report = Cleaning(dropped, flipped, int(jumped.sum()), filled, moved)
    return poses.with_points(points, scores), report


def figure_height(poses: Poses) -> float:
    """Return the longer side of the box around the body's seen joints, in pixels: of most frames
    the ninth decile, as a bent body is shorter; the frame's height where nothing was seen."""
    points, seen = poses.points[:, BODY], poses.seen[:, BODY]
    shown = seen.sum(axis=1) >= 2
    if not shown.any():
        return float(poses.height)
    hidden = ~seen[shown][..., None]
    extent = np.where(hidden, -np.inf, points[shown]).max(axis=1) - np.where(
        hidden, np.inf, points[shown]
    ).min(axis=1)
    return max(float(np.percentile(extent.max(axis=1), 90)), 1.0)


def find_jumps(points: np.ndarray, present: np.ndarray, *, height: float) -> np.ndarray:
    """Find points that leave their place and come back: bool [F, N].

    A quick swing is none: it is as fast in other frames, which raises its own limit.

    Args:
        points: [F, N, 2] in pixels.
        present: bool [F, N].
        height: of the figure in pixels.
    """
    jumped = np.zeros_like(present)
    limit = _speed_limits(points, present, height)
    for length in range(1, LONGEST_JUMP + 1):
        for start in range(1, len(points) - length):
            end = start + length  # the first frame after it
            there = present[start - 1] & present[end] & present[start:end].all(axis=0)
            free = ~jumped[start - 1] & ~jumped[start:end].any(axis=0) & ~jumped[end]
            out = _distance(points[start], points[start - 1])
            back = _distance(points[end], points[end - 1])
            rest = _distance(points[end], points[start - 1])
            found = there & free & (out > limit) & (back > limit)
            found &= rest < np.minimum(out, back) / 2
            jumped[start:end] |= found
    return jumped


def fill_gaps(points: np.ndarray, scores: np.ndarray, *, longest: int) -> None:
    """Fill gaps of at most `longest` frames in a straight line, in place; a filled point has the
    lower score of the two that it lies between.

    Args:
        points: [F, N, 2].
        scores: [F, N]; 0 where there is no point.
    """
    for column in range(scores.shape[1]):
        there = np.flatnonzero(scores[:, column] > 0)
        for start, end in pairwise(there):
            if 1 < end - start <= longest + 1:
                share = (np.arange(start + 1, end) - start)[:, None] / (end - start)
                ends = points[start, column], points[end, column]
                points[start + 1 : end, column] = (1 - share) * ends[0] + share * ends[1]
                scores[start + 1 : end, column] = min(scores[start, column], scores[end, column])


def _smoothed(points: np.ndarray, present: np.ndarray, seconds: float, fps: float) -> np.ndarray:
    tracks = points.reshape(len(points), -1)
    smooth = smooth_tracks(tracks, np.repeat(present, 2, axis=1), seconds=seconds, fps=fps)
    return smooth.reshape(points.shape)


def _speed_limits(points: np.ndarray, present: np.ndarray, height: float) -> np.ndarray:
    """Pixels per frame that a point does not move otherwise: [N]."""
    speeds = np.where(present[1:] & present[:-1], _distance(points[1:], points[:-1]), np.nan)
    known = ~np.isnan(speeds).all(axis=0) if len(speeds) else np.zeros(points.shape[1], bool)
    limit = np.full(points.shape[1], np.inf)
    middle = np.nanmedian(speeds[:, known], axis=0)
    spread = np.nanmedian(np.abs(speeds[:, known] - middle), axis=0)
    limit[known] = np.maximum(middle + DEVIATIONS * MAD * spread, LEAST_JUMP * height)
    return limit


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.linalg.norm(first - second, axis=-1)

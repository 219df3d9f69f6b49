"""How many times longer each bone of the picture is than the driver's, from equal views.

Lengths in a picture are foreshortened. Frames of nearly the same directions are foreshortened
nearly alike, so their ratio is that of the bones; how much the driver's lengths scatter among them
says how far a single picture can be believed.
"""

from dataclasses import dataclass

import numpy as np

from aa.poses.alignment.bones import BONES, HEAD, HEAD_NAME, Joints
from aa.poses.alignment.views import WITHIN, turn_differences, view_differences
from aa.poses.poses import Poses
from aa.poses.skeleton import FACE, NOSE

NEAREST = 24  # frames of the nearest views that are used: more than one moment's
TURNED = 8  # of what looks shorter with every degree of a turn
FEWEST = 3  # fewer are no measurement
FEW = 0.5  # frames that are worth as much as knowing how people are built
BUILD = 0.15  # spread of the logarithms of people's ratios of bones, about that of the whole
MOMENT = 0.5  # seconds between frames that count as two looks at a bone
ANY_VIEW = 0.1  # uncertainty added where frames of any view must do
MANY_DIRECTIONS = 40.0  # degrees from the 10th to the 90th percentile


@dataclass(frozen=True)
class Measured:
    """A logarithm of a ratio (picture / driver at the zoom of its first frame).

    Attributes:
        value: the logarithm.
        variance: of it.
        frames: how many it was measured from.
        any_view: whether none of them shows the bone's direction of the picture.
    """

    value: float
    variance: float
    frames: int
    any_view: bool = False


def measure_bones(driving: Poses, reference: Poses, zoom: np.ndarray) -> dict[str, Measured | None]:
    """Measure all of BONES and the head, each for itself; None where either side hides it."""
    frames, picture, found = Joints.of(driving), Joints.of(reference), {}
    for name, bone in BONES.items():
        lengths, length = frames.lengths(bone) / zoom, picture.lengths(bone)[0]
        views = view_differences(frames, picture, bone)
        found[name] = _measure(lengths, length, views, driving.fps, turns=bone.turns)
    lengths, length = head_sizes(driving, reference)
    views = turn_differences(frames, picture)
    found[HEAD_NAME] = _measure(lengths / zoom, length, views, driving.fps, turns=True)
    return found


def head_sizes(driving: Poses, reference: Poses) -> tuple[np.ndarray, float]:
    """Spread of the head's points about their middle, in pixels: [F] of the driver, the picture's.

    Those points count that the picture shows, and half of the frames; nan where one is missing.
    """
    points = np.array([NOSE, *HEAD, *range(FACE.start, FACE.stop)])
    points = points[reference.seen[0, points] & (driving.seen[:, points].mean(axis=0) >= 0.5)]
    if len(points) < 2:
        return np.full(len(driving), np.nan), np.nan
    sizes = []
    for poses in (driving, reference):
        chosen = poses.points[:, points].astype(np.float64)
        spread = np.sqrt(((chosen - chosen.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(1))
        seen = poses.seen[:, points].all(axis=1) & (spread > 1e-6)
        sizes.append(np.where(seen, spread, np.nan))
    return sizes[0], sizes[1][0]


def _measure(
    lengths: np.ndarray, length: float, views: np.ndarray, fps: float, *, turns: bool
) -> Measured | None:
    """From lengths [F] of the driver, the picture's, and how views differ in degrees [F].

    The frames of one moment are all foreshortened alike: how much they scatter is known only when
    there are several moments; till then the scatter over the clip counts as one. Not of what
    `turns` with the body, for which views are alike if their turns are.
    """
    usable = np.flatnonzero(~np.isnan(lengths))
    if np.isnan(length) or not len(usable):
        return None
    like = usable[views[usable] <= WITHIN]
    any_view = len(like) < min(FEWEST, len(usable))
    like = usable if any_view else like
    near = (
        like
        if any_view
        else like[np.argsort(views[like], kind="stable")[: TURNED if turns else NEAREST]]
    )
    logs = np.log(length / lengths)
    value = float(np.median(logs[near]))
    scatter = spread(logs[near]) ** 2
    if not turns:
        moments = 1 + int((np.diff(like) > MOMENT * fps).sum())
        both = moments * spread(logs[like]) ** 2 + spread(logs[usable]) ** 2
        scatter = both / (moments + 1)
    variance = scatter * (1 + 1 / len(near)) + BUILD**2 * FEW / len(near)
    return Measured(value, variance + any_view * ANY_VIEW**2, len(near), any_view)


def spread(values: np.ndarray) -> float:
    """The standard deviation as the median distance from the median tells it, of [N]."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def proven_bones(driving: Poses) -> dict[str, bool]:
    """Which bones the driver shows in so many directions that it is known how long they are."""
    joints, proven = Joints.of(driving), {}
    for name, bone in BONES.items():
        vectors = joints.vectors(bone)[~np.isnan(joints.lengths(bone))]
        middle = np.arctan2(*vectors.mean(axis=0)[::-1]) if len(vectors) else 0.0
        aside = np.degrees(np.arctan2(*vectors.T[::-1]) - middle)
        aside = (aside + 180) % 360 - 180
        spread = np.ptp(np.percentile(aside, (10, 90))) if len(vectors) else 0.0
        proven[name] = bool(spread >= MANY_DIRECTIONS)
    return proven

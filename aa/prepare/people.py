"""The person of a clip among those that were followed through it, and how well it is seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aa.poses import Poses
from aa.poses.skeleton import BODY


@dataclass(frozen=True)
class Track:
    """A person in F frames, as far as it is seen.

    Attributes:
        present: whether enough joints are seen, bool [F].
        boxes: left, top, right, bottom of the seen joints in pixels, float32 [F, 4]; nan where
            the person is not there.
    """

    poses: Poses
    present: np.ndarray
    boxes: np.ndarray

    @property
    def heights(self) -> np.ndarray:
        """From the highest to the lowest joint in pixels, [F]; 0 where it is not there."""
        return np.nan_to_num(self.boxes[:, 3] - self.boxes[:, 1])

    @property
    def height(self) -> float:
        """Median height where it is there, as a share of the picture's."""
        heights = self.heights[self.present]
        return float(np.median(heights)) / self.poses.height if len(heights) else 0.0

    @property
    def score(self) -> float:
        """Mean score of the joints that are seen."""
        seen = self.poses.seen[:, BODY]
        return float(self.poses.scores[:, BODY][seen].mean()) if seen.any() else 0.0

    @property
    def span(self) -> tuple[int, int]:
        """From the first frame with the person to behind the last one; (0, 0) without any."""
        frames = np.flatnonzero(self.present)
        return (int(frames[0]), int(frames[-1]) + 1) if len(frames) else (0, 0)

    def part(self, start: int, stop: int) -> "Track":
        """The frames `start` to `stop`."""
        part = slice(start, stop)
        return Track(self.poses[part], self.present[part], self.boxes[part])


def track(poses: Poses, *, min_joints: int) -> Track:
    """Measure where a person is: in the frames in which so many joints of its body are seen."""
    seen, points = poses.seen[:, BODY], poses.points[:, BODY]
    present = seen.sum(axis=1) >= min_joints
    boxes = np.full((len(poses), 4), np.nan, "float32")
    for frame in np.flatnonzero(present):
        joints = points[frame][seen[frame]]
        boxes[frame] = *joints.min(axis=0), *joints.max(axis=0)
    return Track(poses, present, boxes)


def choose(people: Sequence[Poses], *, min_joints: int) -> tuple[Track | None, list[Track]]:
    """The person that takes most room in most frames, and the others; None for nobody."""
    tracks = [track(poses, min_joints=min_joints) for poses in people]
    order = sorted(tracks, key=lambda one: -float(one.heights.sum()))
    if not order or not order[0].present.any():
        return None, []
    return order[0], order[1:]


def overlap(person: Track, others: Sequence[Track], *, similar: float) -> float:
    """The most that somebody of similar height covers of the person's box, or the person of theirs.

    Args:
        similar: heights, as shares of the person's in the same frame, from which on others count.

    Returns:
        the largest share of the smaller box, 0..1.
    """
    most = 0.0
    for other in others:
        both = person.present & other.present & (other.heights >= similar * person.heights)
        if both.any():
            most = max(most, float(_shares(person.boxes[both], other.boxes[both]).max()))
    return most


def _shares(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """What pairs of boxes [N, 4] have in common, as shares of the smaller one, [N]."""
    sides = np.minimum(ours[:, 2:], theirs[:, 2:]) - np.maximum(ours[:, :2], theirs[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = [np.maximum((box[:, 2:] - box[:, :2]).prod(axis=1), 1.0) for box in (ours, theirs)]
    return common / np.minimum(*areas)

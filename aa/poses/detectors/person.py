"""What every detector gives and takes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aa.poses.poses import MIN_SCORE
from aa.poses.skeleton import BODY


@dataclass(frozen=True)
class Person:
    """Somebody in a frame: points in pixels [128, 2] and scores [128], as of `aa.poses.Poses`."""

    points: np.ndarray
    scores: np.ndarray

    @property
    def joints(self) -> np.ndarray:
        """The joints of the body that were seen well enough: [18 or less, 2]."""
        return self.points[BODY][self.scores[BODY] >= MIN_SCORE]

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom of those joints, in pixels; float [4]; zeros where none is."""
        if not len(self.joints):
            return np.zeros(4)
        return np.concatenate([self.joints.min(axis=0), self.joints.max(axis=0)])

    @property
    def size(self) -> float:
        """The longer side of that box, at least a pixel."""
        box = self.box
        return max(float((box[2:] - box[:2]).max()), 1.0)


class Detector(Protocol):
    """Finds everybody in the frames of a video, one frame after the other.

    It may follow people from frame to frame; who is who between two frames it does not say.
    """

    def __call__(self, frame: np.ndarray) -> list[Person]:
        """Everybody in a frame uint8 RGB [H, W, 3], each once."""
        ...

    def reset(self) -> None:
        """Forget the frames so far: the next one is of another scene."""
        ...


def apart(first: Person, second: Person) -> float:
    """How far two bodies are from each other: the median over joints that both show, in sizes of
    the smaller body; infinite where they show none in common."""
    both = (first.scores[BODY] >= MIN_SCORE) & (second.scores[BODY] >= MIN_SCORE)
    if not both.any():
        return float("inf")
    way = first.points[BODY][both] - second.points[BODY][both]
    return float(np.median(np.hypot(*way.T))) / min(first.size, second.size)


def within(points: np.ndarray, scores: np.ndarray, height: int, width: int) -> np.ndarray:
    """The scores [N], 0 for points [N, 2] that lie outside a frame of that size."""
    inside = ((points >= -0.5) & (points < np.array([width, height]) - 0.5)).all(axis=1)
    return np.where(inside, scores, 0)

"""The bones that are measured, and how joints hang on each other. Lengths and angles of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aa.poses.poses import Poses
from aa.poses.skeleton import (
    BODY,
    LEFT_ANKLE,
    LEFT_EAR,
    LEFT_ELBOW,
    LEFT_EYE,
    LEFT_HAND,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    NOSE,
    RIGHT_ANKLE,
    RIGHT_EAR,
    RIGHT_ELBOW,
    RIGHT_EYE,
    RIGHT_HAND,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

HIPS = 18  # the middle between the hips: a joint beside the 18 of the body
HEAD = (RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR)  # they follow the nose


@dataclass(frozen=True)
class Bone:
    """What is measured of a body: the distance of two joints.

    Attributes:
        start, end: joints; the end hangs on the start, but for the two widths.
        parent: the bone whose direction goes with its own, if any.
        twin: the same bone of the other side.
        neighbour: the other bone of the same limb.
        turns: whether it looks shorter when the body turns about the vertical.
        weight: of its vote on the scale of the whole. A torso is long and seldom foreshortened.
    """

    start: int
    end: int
    parent: str | None = None
    twin: str | None = None
    neighbour: str | None = None
    turns: bool = False
    weight: float = 1.0


def _limb(side: str, other: str, upper: str, lower: str, joints: Sequence[int]) -> dict[str, Bone]:
    first, second = f"{side} {upper}", f"{side} {lower}"
    return {
        first: Bone(joints[0], joints[1], None, f"{other} {upper}", second),
        second: Bone(joints[1], joints[2], first, f"{other} {lower}", first),
    }


BONES: dict[str, Bone] = {
    "torso": Bone(HIPS, NECK, weight=3.0),
    "shoulders": Bone(RIGHT_SHOULDER, LEFT_SHOULDER, turns=True, weight=2.0),
    "hips": Bone(RIGHT_HIP, LEFT_HIP, turns=True),
    "neck": Bone(NECK, NOSE),
    **_limb(
        "right", "left", "upper arm", "forearm", (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST)
    ),
    **_limb("left", "right", "upper arm", "forearm", (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST)),
    **_limb("right", "left", "thigh", "shin", (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE)),
    **_limb("left", "right", "thigh", "shin", (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE)),
}  # fmt: skip
HEAD_NAME = "head"  # measured by the spread of its points
THIGHS = ("right thigh", "left thigh")


@dataclass(frozen=True)
class Joints:
    """The 18 joints of a body and HIPS, x and y in pixels, float64 [F, 19, 2]; nan: not seen."""

    points: np.ndarray

    @classmethod
    def of(cls, poses: Poses) -> "Joints":
        """The joints that were seen. Where a wrist was not, the hand's own is taken."""
        points = poses.points[:, BODY].astype(np.float64)
        seen = poses.seen[:, BODY] & np.isfinite(points).all(axis=2)
        points = np.where(seen[..., None], points, np.nan)
        for wrist, hand in ((RIGHT_WRIST, RIGHT_HAND), (LEFT_WRIST, LEFT_HAND)):
            instead = poses.seen[:, hand.start] & ~seen[:, wrist]
            points[instead, wrist] = poses.points[instead, hand.start]
        middle = (points[:, RIGHT_HIP] + points[:, LEFT_HIP]) / 2
        return cls(np.concatenate([points, middle[:, None]], axis=1))

    @property
    def seen(self) -> np.ndarray:
        """Which joints were seen: bool [F, 19]."""
        return ~np.isnan(self.points[..., 0])

    def vectors(self, bone: Bone) -> np.ndarray:
        """A bone in all frames, from start to end, in pixels [F, 2]."""
        return self.points[:, bone.end] - self.points[:, bone.start]

    def lengths(self, bone: Bone) -> np.ndarray:
        """Lengths of a bone in pixels [F]; nan where it was not seen, or is a point."""
        lengths = np.hypot(*self.vectors(bone).T)
        return np.where(lengths > 1e-6, lengths, np.nan)

    def angles(self, bone: Bone) -> np.ndarray:
        """Directions of a bone in degrees [F]."""
        return np.degrees(np.arctan2(*self.vectors(bone).T[::-1]))

    def height(self) -> float:
        """Of the body in pixels: the most that a frame shows from top to bottom."""
        y = self.points[..., 1]
        lowest, highest = np.where(np.isnan(y), -np.inf, y), np.where(np.isnan(y), np.inf, y)
        return float((lowest.max(axis=1) - highest.min(axis=1)).max())

    def turns(self, left: int = LEFT_EAR, right: int = RIGHT_EAR) -> np.ndarray:
        """How far the head is turned to a side, in degrees [F]: where the nose is between the ears.

        Eyes may be given in place of the ears; they stand nearer to each other on the head.
        """
        across = self.points[:, left] - self.points[:, right]
        offset = self.points[:, NOSE] - (self.points[:, left] + self.points[:, right]) / 2
        square = np.maximum((across**2).sum(axis=1), 1e-12)
        aside = (offset * across).sum(axis=1) / square
        return np.degrees(np.arctan((2.0 if left == LEFT_EAR else 0.8) * aside))

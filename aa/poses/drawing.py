"""Drawing poses as DWPose does: released weights have seen nothing else.

Limbs are ellipses of 0.6 of their colour, joints full dots, hands thin bones with blue dots, the
face white dots, all on black (DWPose, arXiv 2307.15880; OpenPose, arXiv 1812.08008). DWPose draws
limbs 4 pixels to each side where the shorter side has 512; here all widths follow that side.
"""

import colorsys

import numpy as np

from aa.poses.poses import MIN_SCORE, Poses
from aa.poses.skeleton import BODY, FACE, HAND_BONES, LEFT_HAND, LIMBS, RAINBOW, RIGHT_HAND

CANVAS = 512  # pixels of the shorter side at which the widths below are meant
LIMB, JOINT, HAND_BONE, HAND_JOINT, FACE_POINT = 4.0, 4.0, 1.0, 4.0, 3.0  # half widths, radii
DIMMED = 0.6  # of a limb's colour
BLUE, WHITE = (0, 0, 255), (255, 255, 255)
ANGLES = np.linspace(0, 2 * np.pi, 36, endpoint=False)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
SHIFT = 4  # cv2 takes coordinates in 1/16 pixel


def draw_poses(
    poses: Poses,
    *,
    height: int | None = None,
    width: int | None = None,
    min_score: float = MIN_SCORE,
    hands: bool = True,
    face: bool = True,
) -> np.ndarray:
    """Draw poses on black as uint8 RGB [F, H, W, 3].

    Args:
        poses: F frames.
        height, width: of the drawing in pixels; by default those of the poses. Joints are moved
            before they are drawn, so that widths are those of the new size.
        min_score: a point that was seen less surely is not drawn; apart from what detection and
            cleaning demand.
        hands, face: whether to draw them.
    """
    height, width = height or poses.height, width or poses.width
    if (height, width) != (poses.height, poses.width):
        poses = poses.resized(height, width)
    canvas = np.zeros((len(poses), height, width, 3), np.uint8)
    for frame, points, scores in zip(canvas, poses.points, poses.scores, strict=True):
        _Drawing(frame, points, scores >= min_score).draw(hands=hands, face=face)
    return canvas


class DrawnPoses:
    """Poses as a pose video that draws its frames when they are requested.

    Slices are uint8 [F, H, W, 3], like those of `aa.data.poses.PoseVideo`. Options as of
    `draw_poses`.
    """

    def __init__(self, poses: Poses, **options) -> None:
        self.poses, self.options = poses, options

    def __len__(self) -> int:
        return len(self.poses)

    def __getitem__(self, part: slice) -> np.ndarray:
        return draw_poses(self.poses[part], **self.options)


class _Drawing:
    """One frame [H, W, 3] that is drawn into; `seen` says which of the points [128, 2] are."""

    def __init__(self, frame: np.ndarray, points: np.ndarray, seen: np.ndarray) -> None:
        self.frame, self.points, self.seen = frame, points, seen
        self.unit = min(frame.shape[:2]) / CANVAS

    def draw(self, *, hands: bool, face: bool) -> None:
        for (first, second), colour in zip(LIMBS, RAINBOW, strict=False):
            if self.seen[first] and self.seen[second]:
                dimmed = tuple(int(DIMMED * channel) for channel in colour)
                self._limb(self.points[first], self.points[second], LIMB, dimmed)
        self._dots(BODY, JOINT, RAINBOW)
        for hand in (LEFT_HAND, RIGHT_HAND) if hands else ():
            self._hand(hand)
        if face:
            self._dots(FACE, FACE_POINT, [WHITE] * 68)

    def _hand(self, hand: slice) -> None:
        points, seen = self.points[hand], self.seen[hand]
        for number, (first, second) in enumerate(HAND_BONES):
            if seen[first] and seen[second]:
                rgb = colorsys.hsv_to_rgb(number / len(HAND_BONES), 1, 1)
                colour = tuple(int(255 * channel) for channel in rgb)
                self._limb(points[first], points[second], HAND_BONE, colour, square=True)
        self._dots(hand, HAND_JOINT, [BLUE] * 21)

    def _dots(self, part: slice, radius: float, colours) -> None:
        radius = max(radius * self.unit, 0.7)  # to be seen in small pictures
        for point, seen, colour in zip(self.points[part], self.seen[part], colours, strict=True):
            if seen:
                self._fill(point + radius * CIRCLE, colour)

    def _limb(self, first, second, radius, colour, *, square=False) -> None:
        """An ellipse, or a bar, from one point to another."""
        radius = max(radius * self.unit, 0.5)
        middle, along = (first + second) / 2, (second - first) / 2
        across = np.array([-along[1], along[0]]) * radius / max(float(np.hypot(*along)), 1e-6)
        shape = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) if square else CIRCLE
        self._fill(middle + shape @ np.stack([along, across]), colour)

    def _fill(self, corners, colour) -> None:
        import cv2  # deferred: a second, and only who draws pays it

        reach = 4 * max(self.frame.shape)  # cv2's whole numbers end somewhere
        fixed = np.round(np.clip(corners, -reach, reach) * 2**SHIFT).astype(np.int32)
        cv2.fillConvexPoly(self.frame, fixed, colour, cv2.LINE_AA, SHIFT)

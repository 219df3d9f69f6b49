"""Rotated squares of a frame: what a network is shown, and where its points are in the frame."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """A square of a frame, turned about its centre.

    Attributes:
        centre: x, y in pixels of the frame, whole numbers are pixel centres; float [2].
        size: of a side, in pixels.
        angle: in radians; 0 is upright, more turns it clockwise as one sees it.
    """

    centre: np.ndarray
    size: float
    angle: float = 0.0

    @property
    def axes(self) -> np.ndarray:
        """Where its own x and y point in the frame: the columns of [2, 2]."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the frame of points [..., 2] that are parts of the region: 0..1 from its
        corner."""
        return self.centre + self.size * (points - 0.5) @ self.axes.T

    def from_frame(self, points: np.ndarray) -> np.ndarray:
        """The inverse of `to_frame`."""
        return (points - self.centre) @ self.axes / self.size + 0.5

    def shifted(self, way: np.ndarray) -> "Region":
        """The region moved by x and y of the frame, in pixels [2]."""
        return Region(self.centre + way, self.size, self.angle)

    def crop(self, frame: np.ndarray, size: int) -> np.ndarray:
        """What of a frame uint8 [H, W, 3] is in the region, uint8 [size, size, 3]; black outside
        the frame."""
        import cv2  # deferred: a second

        region, shrink = self, int(self.size / size)
        if shrink > 1:  # few of its pixels would be looked at
            height, width = (max(side // shrink, 1) for side in frame.shape[:2])
            frame = frame[: height * shrink, : width * shrink]
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            region = Region((self.centre + 0.5) / shrink - 0.5, self.size / shrink, self.angle)
        # Pixel i of the crop has its centre at (i + 0.5) / size of the region.
        matrix = region.axes * region.size / size
        first = region.to_frame(np.full(2, 0.5 / size))
        return cv2.warpAffine(
            frame,
            np.column_stack([matrix, first]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )


def whole(frame: np.ndarray) -> Region:
    """The smallest square that holds a whole frame [H, W, 3]."""
    height, width = frame.shape[:2]
    return Region(np.array([(width - 1) / 2, (height - 1) / 2]), float(max(height, width)))


def upright(start: np.ndarray, end: np.ndarray) -> float:
    """The angle of a region in which `end` is straight above `start`; both [2] in pixels."""
    along = end - start
    return float(np.arctan2(along[0], -along[1]))


def level(left: np.ndarray, right: np.ndarray) -> float:
    """The angle of a region in which `right` is straight to the right of `left`; [2] in pixels."""
    along = right - left
    return float(np.arctan2(along[1], along[0]))


def around(points: np.ndarray, *, angle: float, scale: float, down: float = 0.0) -> Region:
    """The square about the box of points [N, 2], both turned by an angle.

    Args:
        scale: side of the square, in longer sides of the box.
        down: how far it is moved along its own y axis, in heights of the box.
    """
    turned = Region(np.zeros(2), 1.0, angle)
    own = points @ turned.axes
    low, high = own.min(axis=0), own.max(axis=0)
    side = max(float((high - low).max()), 1.0)
    middle = (low + high) / 2 + np.array([0, down * (high - low)[1]])
    return Region(turned.axes @ middle, scale * side, angle)

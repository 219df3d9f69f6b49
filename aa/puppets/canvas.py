"""Filled shapes with soft edges on a uint8 RGB image; everything is given in its pixels."""

import numpy as np
from numpy.typing import ArrayLike

OVERSAMPLING = 3  # drawn this much larger, then averaged down
SHIFT = 4  # cv2 takes coordinates in 1/16 pixel
ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)  # [20, 2], a polygon of radius 1


class Canvas:
    """An image of height x width that is drawn OVERSAMPLING times larger."""

    def __init__(self, *, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.pixels = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING, 3), np.uint8)

    def polygon(self, points: np.ndarray, colour: tuple[int, ...]) -> None:
        """A convex polygon of points [N, 2], (x, y)."""
        import cv2

        cv2.fillConvexPoly(self.pixels, self._fixed(points), colour, cv2.LINE_8, SHIFT)

    def disc(
        self, centre: np.ndarray, radius: float | np.floating, colour: tuple[int, ...]
    ) -> None:
        import cv2

        fixed_radius = round(radius * OVERSAMPLING * 2**SHIFT)
        middle = self._fixed(centre).tolist()
        cv2.circle(self.pixels, middle, fixed_radius, colour, -1, cv2.LINE_8, SHIFT)

    def ellipse(
        self,
        centre: np.ndarray,
        along: np.ndarray,
        radius: float | np.floating,
        colour: tuple[int, ...],
    ) -> None:
        """An ellipse whose one half axis is the vector `along`, the other `radius` long."""
        axes = np.stack([along, _normal(along) * radius])
        self.polygon(centre + CIRCLE @ axes, colour)

    def rounded(self, points: ArrayLike, radii: ArrayLike, colour: tuple[int, ...]) -> None:
        """The convex hull of discs around `points` [N, 2], of `radii` [N]."""
        import cv2

        rims = np.asarray(points)[:, None] + np.asarray(radii)[:, None, None] * CIRCLE
        hull = cv2.convexHull(rims.reshape(-1, 2).astype(np.float32))
        self.polygon(hull[:, 0], colour)

    def finish(self) -> np.ndarray:
        """The image as uint8 RGB [H, W, 3]."""
        import cv2

        return cv2.resize(self.pixels, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def samples(self) -> np.ndarray:
        """Colours drawn over each pixel's centre, without averaging: uint8 [H, W, 3]."""
        middle = OVERSAMPLING // 2
        return self.pixels[middle::OVERSAMPLING, middle::OVERSAMPLING].copy()

    def _fixed(self, points: ArrayLike) -> np.ndarray:
        """Points in cv2's whole numbers; pixel centres are whole before and after enlarging."""
        enlarged = np.asarray(points) * OVERSAMPLING + (OVERSAMPLING - 1) / 2
        return np.round(enlarged * 2**SHIFT).astype(np.int32)


def _normal(vector: np.ndarray) -> np.ndarray:
    x, y = vector
    return np.array([-y, x]) / max(float(np.hypot(x, y)), 1e-6)

"""Cuts of a video: the frames with which another scene begins."""

import numpy as np

SIDE = 32  # pixels of the small picture of a frame that is compared
LEAST_CHANGE = 30.0  # of 255, mean over that picture: with less it is the same scene
LEAST_JUMP = 4.0  # times the change of the frames before


class CutFinder:
    """Says of each frame whether it begins another scene: a frame that changes much more than
    those before, everywhere."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._usual = 0.0  # change from frame to frame

    def __call__(self, frame: np.ndarray) -> bool:
        """Whether a cut is before this frame uint8 [H, W, 3]."""
        import cv2  # deferred: a second

        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype("float32")
        last, self._last = self._last, small
        if last is None:
            return False
        change = float(np.abs(small - last).mean())
        cut = change >= LEAST_CHANGE and change >= LEAST_JUMP * self._usual
        if not cut:
            self._usual = 0.8 * self._usual + 0.2 * change
        return cut

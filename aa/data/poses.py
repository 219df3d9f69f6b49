"""Poses as a sequence of frames that are read when they are requested: a video, or one picture."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from aa.data.video import VideoReader
from aa.errors import UserError

DARK = 32  # of 255: the ground of a pose video
MOST_FRAMES = 10_000  # not by accident: the latents of all frames are in memory at once


class PoseVideo:
    """The first `num_frames` frames of a video; slices are uint8 [F, H, W, 3].

    Args:
        path: the video.
        num_frames: how many frames; None takes them all, up to `MOST_FRAMES`.
        like: see `VideoReader`.

    Raises:
        ClipError: the video cannot be read.
        UserError: it has fewer frames than requested, or more than anybody means.
    """

    def __init__(
        self, path: str | Path, num_frames: int | None = None, *, like: VideoReader | None = None
    ) -> None:
        self.reader = VideoReader(path, like=like)
        found = self.reader.num_frames
        if num_frames is not None and num_frames < 1:
            raise UserError(f"{path}: num_frames must be 1 or more, got {num_frames}.")
        if num_frames is not None and num_frames > found:
            raise UserError(
                f"{path}: has {found} frames, inference.num_frames={num_frames} asks for more; "
                f"use at most {found}, or leave it out for the whole video."
            )
        if num_frames is None and found > MOST_FRAMES:
            raise UserError(
                f"{path}: has {found} frames; more than {MOST_FRAMES} are taken only where "
                "inference.num_frames=<number> asks for them."
            )
        self.num_frames = found if num_frames is None else num_frames
        self.fps = self.reader.fps
        self.height, self.width = self.reader.height, self.reader.width

    def __len__(self) -> int:
        return self.num_frames

    def __getitem__(self, part: slice) -> np.ndarray:
        return self.reader.read(range(self.num_frames)[part])

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """The frames `indices` as uint8 [F, H, W, 3]."""
        return self.reader.read(indices)


class PosePicture:
    """An image as a video of one frame.

    Args:
        image: PIL RGB.
    """

    fps, num_frames = 1.0, 1

    def __init__(self, image: Image.Image) -> None:
        self.frames = np.asarray(image)[None]
        self.height, self.width = image.height, image.width

    def __len__(self) -> int:
        return 1

    def __getitem__(self, part: slice) -> np.ndarray:
        return self.frames[part]

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """The frames `indices` as uint8 [F, H, W, 3]."""
        return self.frames[list(indices)]


def is_mostly_black(frame: np.ndarray) -> bool:
    """Return whether a frame, uint8 [H, W, 3], can be one of a pose video: skeletons on black."""
    return bool((frame.max(axis=2) < DARK).mean() >= 0.5)

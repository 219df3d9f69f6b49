"""Pictures of clips: how sharp the person is in them, and a strip of them for the report."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from aa.data.poses import DARK
from aa.poses import Poses, draw_poses
from aa.prepare.people import Track

PERSON_HEIGHT = 256  # pixels that a person is brought to before sharpness is measured
STRIP_HEIGHT, QUALITY = 144, 70  # of a picture in the report, and of its JPEG
FINE = 3  # times as large as it is shown a skeleton is drawn
FRAMES_OF_STRIP = 4


def sharpness(frames: np.ndarray, person: Track, numbers: Sequence[int]) -> float:
    """Median variance of the Laplacian on the person, of 255 squared; plain or blurred has little.

    Args:
        frames: uint8 RGB [N, H, W, 3].
        person: in the whole clip.
        numbers: of the frames, [N].
    """
    import cv2  # deferred: a second

    values = []
    for frame, number in zip(frames, numbers, strict=True):
        if not person.present[number]:
            continue
        grey = cv2.cvtColor(_cut_out(frame, person.boxes[number]), cv2.COLOR_RGB2GRAY)
        scale = min(1.0, PERSON_HEIGHT / grey.shape[0])
        size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        values.append(float(cv2.Laplacian(small, cv2.CV_64F).var()))
    return float(np.median(values)) if values else 0.0


def _cut_out(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The part of a frame within a box of left, top, right, bottom; one pixel at least."""
    height, width = frame.shape[:2]
    left, right = (int(np.clip(x, 0, width - 1)) for x in box[[0, 2]])
    top, bottom = (int(np.clip(y, 0, height - 1)) for y in box[[1, 3]])
    return np.ascontiguousarray(frame[top : bottom + 1, left : right + 1])


def strip(frames: np.ndarray, poses: Poses | None = None, drawn: np.ndarray | None = None) -> bytes:
    """Frames side by side as a JPEG, with the skeletons laid over them.

    Args:
        frames: uint8 RGB [N, H, W, 3].
        poses: of these N frames, or None.
        drawn: instead, their frames of a pose video, uint8 RGB [N, H, W, 3] of any size.
    """
    height, width = frames.shape[1:3]
    size = (max(1, round(width * STRIP_HEIGHT / height)), STRIP_HEIGHT)
    pictures = _resized(frames, size)
    if poses is not None:
        large = [FINE * side for side in size]  # so that lines are thin
        drawn = _resized(draw_poses(poses, height=large[1], width=large[0]), size)
    elif drawn is not None:
        drawn = _resized(drawn, size)
    if drawn is not None:
        pictures = np.where(drawn.max(axis=3, keepdims=True) > DARK, drawn, pictures)
    file = io.BytesIO()
    Image.fromarray(np.concatenate([*pictures], axis=1)).save(file, "jpeg", quality=QUALITY)
    return file.getvalue()


def _resized(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Frames at a size of width and height."""
    return np.stack([np.asarray(Image.fromarray(frame).resize(size)) for frame in frames])

"""Paired geometry: one box, drawn once, is applied alike to the frames, their poses and reference.

A size is always (height, width) in pixels. Frames are uint8 RGB [F, H, W, 3].
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from aa.errors import UserError

# The mean and standard deviation of CLIP's training images, RGB in 0..1.
CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


class Box(NamedTuple):
    """A rectangle in pixels. `draw_crop` and `center_crop` give whole numbers."""

    top: float
    left: float
    height: float
    width: float


class Placement(NamedTuple):
    """Cut `box` from a frame, resize it to `inner`, centre that on a black image of `size`."""

    box: Box
    inner: tuple  # (height, width)
    size: tuple  # (height, width)


def draw_crop(
    rng: np.random.Generator,
    frame_size: Sequence[int],
    size: Sequence[int],
    *,
    scale: Sequence[float] = (1.0, 1.0),
) -> Box:
    """Draw a box of the aspect ratio of `size` at a random place inside a frame of `frame_size`.

    Its sides are the largest that fit times a factor uniform in `scale`, (lowest, highest) <= 1.
    """
    lowest, highest = scale
    if not 0 < lowest <= highest <= 1:
        raise UserError(f"crop scale must be 0 < lowest <= highest <= 1, got {list(scale)}.")
    height, width = _largest(frame_size, size, factor=rng.uniform(lowest, highest))
    top = int(rng.integers(frame_size[0] - height + 1))
    left = int(rng.integers(frame_size[1] - width + 1))
    return Box(top, left, height, width)


def center_crop(frame_size: Sequence[int], size: Sequence[int]) -> Box:
    """The largest box of the aspect ratio of `size` in the middle of a frame of `frame_size`."""
    height, width = _largest(frame_size, size, factor=1.0)
    return Box((frame_size[0] - height) // 2, (frame_size[1] - width) // 2, height, width)


def place(
    frame_size: Sequence[int], size: Sequence[int], *, fit: str, box: Box | None = None
) -> Placement:
    """Place a frame of `frame_size` on `size` without a change of aspect ratio.

    fit "pad": the whole frame, black beside it; "crop": `box` (default: the central one) fills it.
    """
    if fit == "crop":
        return Placement(box or center_crop(frame_size, size), tuple(size), tuple(size))
    if fit != "pad":
        raise UserError(f'fit must be "pad" or "crop", got {fit!r}.')
    return Placement(Box(0, 0, *frame_size), _largest(size, frame_size, factor=1.0), tuple(size))


def rescale(
    placement: Placement, frame_size: Sequence[int], other_size: Sequence[int]
) -> Placement:
    """The placement that lays an image of `other_size` of the same scene over the frame."""
    down, across = other_size[0] / frame_size[0], other_size[1] / frame_size[1]
    top, left, height, width = placement.box
    box = Box(top * down, left * across, height * down, width * across)
    return placement._replace(box=box)


def apply(frames: np.ndarray, placement: Placement) -> np.ndarray:
    """Frames uint8 [F, H, W, 3] -> [F, h, w, 3] by `placement`; untouched if already so."""
    return np.stack([np.asarray(_apply(Image.fromarray(f), placement)) for f in frames])


def fit_frames(
    frames: np.ndarray, size: Sequence[int], *, fit: str, box: Box | None = None
) -> np.ndarray:
    """Frames uint8 [F, H, W, 3] -> [F, h, w, 3]. `fit` and `box` as in `place`."""
    return apply(frames, place(frames.shape[1:3], size, fit=fit, box=box))


def to_signed(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 [F, H, W, 3] -> float32 [3, F, H, W] in [-1, 1], as the VAE takes them."""
    return to_unit(frames) * 2 - 1


def to_unit(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 [F, H, W, 3] -> float32 [3, F, H, W] in [0, 1], as the pose guider takes it."""
    return np.ascontiguousarray(frames.transpose(3, 0, 1, 2), np.float32) / np.float32(255)


def clip_pixels(image: Image.Image, *, size: int = 224) -> np.ndarray:
    """PIL RGB -> float32 [3, size, size] for CLIP: the whole image squashed to a square.

    Published inference squashes; cutting out the centre would hide head and feet from CLIP.
    """
    return clip_norm(squash(image, size))


def squash(image: Image.Image, size: int) -> np.ndarray:
    """PIL RGB -> uint8 [size, size, 3], without regard to its shape."""
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def clip_norm(pixels: np.ndarray) -> np.ndarray:
    """A squashed image uint8 [S, S, 3] -> float32 [3, S, S] with CLIP's mean and spread."""
    pixels = (pixels.astype(np.float32) / np.float32(255) - CLIP_MEAN) / CLIP_STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # [H, W, 3] -> [3, H, W]


def _largest(outer: Sequence[int], inner: Sequence[int], *, factor: float) -> tuple[int, int]:
    """Whole (height, width) shaped like `inner`, `factor` times the largest within `outer`."""
    ratio = factor * min(outer[0] / inner[0], outer[1] / inner[1])
    return max(1, round(inner[0] * ratio)), max(1, round(inner[1] * ratio))


def _apply(image: Image.Image, placement: Placement) -> Image.Image:
    top, left, height, width = placement.box
    inner_height, inner_width = placement.inner
    fitted = image.resize(
        (inner_width, inner_height),
        Image.Resampling.LANCZOS,
        box=(left, top, left + width, top + height),
    )
    if placement.inner == placement.size:
        return fitted
    canvas = Image.new("RGB", (placement.size[1], placement.size[0]))
    corner = (placement.size[1] - inner_width) // 2, (placement.size[0] - inner_height) // 2
    canvas.paste(fitted, corner)
    return canvas

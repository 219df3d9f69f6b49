"""Metrics of generated frames against true ones: pure functions on numpy arrays.

Frames are [F, H, W, 3]: uint8, or float in 0..1. uint8 is divided by 255 and all is computed in
float64, so the data range is 1. A mask is bool [F, H, W], true inside the figure. The functions
`*_per_frame` give one value a frame; a clip's value is the mean over its frames (`clip_mean`).
"""

from collections.abc import Sequence
from typing import cast

import numpy as np

MOST_PSNR = 100.0  # dB; identical frames have this and not infinity, which would swallow a mean
SSIM_WINDOW = 7  # pixels to a side


def psnr(generated: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio of a clip in dB: the mean of `psnr_per_frame`."""
    return clip_mean(psnr_per_frame(generated, truth, mask))


def ssim(generated: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity of a clip, at most 1: the mean of `ssim_per_frame`."""
    return clip_mean(ssim_per_frame(generated, truth))


def temporal_error(
    generated: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None
) -> float:
    """Difference of the changes between frames, in 0..255: mean of `temporal_error_per_frame`."""
    return clip_mean(temporal_error_per_frame(generated, truth, mask))


def psnr_uint8_overflow(generated: np.ndarray, truth: np.ndarray) -> float:
    """The PSNR of published tables, in dB: the mean of `psnr_uint8_overflow_per_frame`."""
    return clip_mean(psnr_uint8_overflow_per_frame(generated, truth))


def psnr_per_frame(
    generated: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """[F] PSNR in dB, at most `MOST_PSNR`; inside the mask, nan for a frame where it is empty."""
    check_frames(generated, truth, mask)
    values = []
    for i in range(len(truth)):
        squared = (_unit(generated[i]) - _unit(truth[i])) ** 2
        error = _mean(squared, None if mask is None else mask[i])
        values.append(_psnr(np.maximum(error, 10 ** (-MOST_PSNR / 10))))
    return np.array(values)


def ssim_per_frame(generated: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[F] SSIM (Wang et al. 2004) over RGB: scikit-image's, flat windows of 7x7 pixels.

    Sides are at least `SSIM_WINDOW` pixels. (DisCo's script takes the same of grey images.)
    """
    from skimage.metrics import structural_similarity

    check_frames(generated, truth)
    options = {"win_size": SSIM_WINDOW, "channel_axis": -1, "data_range": 1.0}
    pairs = zip(generated, truth, strict=True)
    return np.array([structural_similarity(_unit(g), _unit(t), **options) for g, t in pairs])


def temporal_error_per_frame(
    generated: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """[F-1] mean |(generated[t+1] - generated[t]) - (truth[t+1] - truth[t])|, in 0..255.

    A still image's error is the truth's motion, flicker adds to it; constant errors of colour
    do not count. With a mask, over pixels inside it at t or t+1; nan where there are none.
    """
    check_frames(generated, truth, mask)
    values = []
    for i in range(len(truth) - 1):
        ours, theirs = (_unit(v[i + 1]) - _unit(v[i]) for v in (generated, truth))
        inside = None if mask is None else mask[i] | mask[i + 1]
        values.append(255 * _mean(np.abs(ours - theirs), inside))
    return np.array(values)


def psnr_uint8_overflow_per_frame(generated: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[F] what DisCo's evaluation script computes: a difference of uint8 that wraps, squared.

    Both steps are modulo 256, so that an error of 16 counts as 0 and one of 1 either way as 1.
    Tables that were made with it (many since DisCo, arXiv 2307.00040) can be compared with this
    value only, and with no other PSNR. Identical frames have 100, as there.
    """
    check_frames(generated, truth)
    if generated.dtype != np.uint8 or truth.dtype != np.uint8:
        raise ValueError(f"wanted uint8 frames, got {generated.dtype} and {truth.dtype}.")
    values = []
    for ours, theirs in zip(generated, truth, strict=True):
        wrapped = (ours - theirs) ** 2  # uint8 arithmetic on purpose
        values.append(_psnr(wrapped.mean() / 255**2) if wrapped.any() else 100.0)
    return np.array(values)


def clip_mean(values: np.ndarray | Sequence[float]) -> float:
    """The mean over frames that have a value (`psnr_per_frame` says which have none).

    Raises:
        ValueError: no frame has one.
    """
    values = np.asarray(values, np.float64)
    values = cast(np.ndarray, values[~np.isnan(values)])
    if not len(values):
        raise ValueError("no frame has a value: the clip is too short, or its mask is empty.")
    return float(values.mean())


def mean_and_interval(values: np.ndarray | Sequence[float]) -> tuple[float, float | None]:
    """Mean of one value per clip, and half the width of its 95% interval.

    The interval is Student's t: mean +- half covers the mean over all such clips in 95 of 100
    samples of them. It is None for one clip. Raises ValueError for values that are not finite.
    """
    values = np.asarray(values, np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError(f"wanted one finite value per clip, got {values.tolist()}.")
    if len(values) == 1:
        return float(values[0]), None
    from scipy.special import stdtrit  # of Student's t; scipy.stats takes a second to import

    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(stdtrit(len(values) - 1, 0.975) * error)


def check_frames(generated: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> None:
    """Check that shapes and dtypes fit together.

    Raises:
        ValueError: says what was found and what is expected.
    """
    shape = np.shape(truth)
    if np.shape(generated) != shape or len(shape) != 4 or shape[3] != 3:
        raise ValueError(f"wanted two [F, H, W, 3], got {np.shape(generated)} and {shape}.")
    if mask is not None and (mask.dtype != bool or mask.shape != shape[:3]):
        raise ValueError(f"wanted a bool mask {shape[:3]}, got {mask.dtype} {mask.shape}.")


def _unit(frame: np.ndarray) -> np.ndarray:
    """uint8, or float in 0..1 -> float64 in 0..1."""
    if frame.dtype == np.uint8:
        return frame / 255
    if not np.issubdtype(frame.dtype, np.floating):
        raise ValueError(f"wanted uint8 or float frames, got {frame.dtype}.")
    if not (frame.min() >= 0 and frame.max() <= 1):
        raise ValueError(f"wanted float frames in 0..1, got {frame.min()}..{frame.max()}.")
    return frame.astype(np.float64)


def _mean(values, mask):
    """Mean of [H, W, 3] over everything, or over the pixels of a mask; nan for an empty one."""
    if mask is None:
        return values.mean()
    return values[mask].mean() if mask.any() else np.nan


def _psnr(mean_squared_error):
    return -10 * np.log10(mean_squared_error)

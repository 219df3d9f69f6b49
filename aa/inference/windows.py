"""Overlapping windows of frames, so that a video may be longer than the motion modules reach."""

import math
from dataclasses import dataclass

import numpy as np

from aa.config.sampling import SamplingOptions


@dataclass(frozen=True)
class WindowSchedule:
    """Windows that are denoised in a step, and the weight of each in its frames.

    `options.context_shift` lets windows begin elsewhere in every step, so that no seam stays where
    it is. Of `options.context_blend`, "pyramid" counts a window by the distance of the frame from
    its end, "mean" all windows of a frame alike, as the published code does.

    Args:
        num_frames: frames of the video.
        options: those named context_..., and closed_loop.
    """

    num_frames: int
    options: SamplingOptions

    def at(self, step: int) -> tuple[list[list[int]], list[np.ndarray]]:
        """The windows of a step, lists of frames, and the weights of each, float32 [size]."""
        offset = _spread(step) if self.options.context_shift else 0.0
        windows = context_windows(self.num_frames, self.options, offset=offset)
        return windows, self.weights(windows)

    def weights(self, windows: list[list[int]]) -> list[np.ndarray]:
        """Weights of windows' frames: those of one frame add up to 1."""
        raw = [
            _last_visits(window) * _ramp(len(window), self.options.context_blend)
            for window in windows
        ]
        total = np.zeros(self.num_frames)
        for window, weights in zip(windows, raw, strict=True):
            np.add.at(total, window, weights)
        pairs = zip(windows, raw, strict=True)
        return [(weights / total[window]).astype(np.float32) for window, weights in pairs]


def _spread(step: int) -> float:
    """Numbers in [0, 1) that fill it evenly from the first on: 0, 1/2, 1/4, 3/4, 1/8, ..."""
    share, unit = 0.0, 0.5
    while step:
        share, step, unit = share + unit * (step % 2), step // 2, unit / 2
    return share


def _last_visits(window: list[int]) -> np.ndarray:
    """1 where a window meets a frame for the last time, 0 before (only around a short loop)."""
    return np.array([frame not in window[i + 1 :] for i, frame in enumerate(window)], float)


def _ramp(size: int, blend: str) -> np.ndarray:
    if blend == "mean":
        return np.ones(size)
    rising = np.arange(1, size + 1)
    return np.minimum(rising, rising[::-1]).astype(float)


def context_windows(
    num_frames: int, options: SamplingOptions, *, offset: float = 0.0
) -> list[list[int]]:
    """Windows that together cover every frame.

    `options.context_stride` counts the dilations used, 1, 2, 4, ... frames from one to the next;
    the published uniform schedule, which keeps to those a video of this length has room for. With
    `options.closed_loop` windows run over the end into the first frames, as the published schedule
    does, for a video that shall loop. Otherwise the last window ends with the last frame.

    Args:
        num_frames: frames of the video.
        offset: by which share of the way from one window to the next all begin earlier.

    Returns:
        lists of frame numbers, none empty.
    """
    size = options.context_frames
    if num_frames <= size:
        return [list(range(num_frames))]
    dilations = min(options.context_stride, math.ceil(math.log2(num_frames / size)) + 1)
    windows = []
    for dilation in (2**i for i in range(dilations)):
        span = (size - 1) * dilation + 1
        hop = size * dilation - options.context_overlap
        earlier = int(offset * hop)
        if options.closed_loop:
            starts = [start - earlier for start in range(0, num_frames, hop)]
        elif span > num_frames:
            continue
        else:
            count = math.ceil((num_frames - span + earlier) / hop) + 1
            starts = [min(max(i * hop - earlier, 0), num_frames - span) for i in range(count)]
            starts = sorted(set(starts))
        windows += [[(s + i * dilation) % num_frames for i in range(size)] for s in starts]
    return windows

"""Overlapping windows of frames, so that a video may be longer than the motion modules reach."""

import math

import numpy as np


def context_windows(num_frames, *, size, overlap, stride=1, closed_loop=False):
    """Windows that together cover every frame.

    Args:
        num_frames: frames of the video.
        size: frames of one window.
        overlap: frames that neighbouring windows share.
        stride: number of dilations used, 1, 2, 4, ... frames from one to the next; the published
            uniform schedule, which keeps to those a video of this length has room for.
        closed_loop: let windows run over the end into the first frames, as the published schedule
            does, for a video that shall loop. Otherwise the last window ends with the last frame.

    Returns:
        lists of frame numbers, none empty.
    """
    if num_frames <= size:
        return [list(range(num_frames))]
    dilations = min(stride, math.ceil(math.log2(num_frames / size)) + 1)
    windows = []
    for dilation in (2**i for i in range(dilations)):
        span = (size - 1) * dilation + 1
        hop = size * dilation - overlap
        if closed_loop:
            starts = range(0, num_frames, hop)
        elif span > num_frames:
            continue
        else:
            count = math.ceil((num_frames - span) / hop) + 1
            starts = [min(i * hop, num_frames - span) for i in range(count)]
        windows += [[(s + i * dilation) % num_frames for i in range(size)] for s in starts]
    return windows


def window_shares(windows, num_frames):
    """What each window's prediction of a frame counts: 1 / the windows that have the frame.

    Returns:
        float32 numpy [F].
    """
    frames = np.concatenate([np.unique(window) for window in windows])
    return (1 / np.bincount(frames, minlength=num_frames)).astype(np.float32)

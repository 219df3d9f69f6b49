"""The random draws of a training item, as pure functions of (seed, epoch, place)."""

from collections.abc import Sequence

import numpy as np

from aa.config.stream import StreamWindow

# One stream per kind of choice. A number, once given, stays: changing it changes every run.
STREAMS = {
    "permutation": 0,
    "frames": 1,
    "crop": 2,
    "drop": 3,
    "timestep": 4,
    "noise": 5,
    "posterior": 6,
    "reference_posterior": 7,
    "guidance": 8,
}
# Items of a stream whose frames have one level: its first window is denoised so.
ORDINARY_SHARE = 0.25


def stream(key: Sequence[int], name: str) -> np.random.Generator:
    """The generator of one kind of choice for the item `key`, whole numbers >= 0."""
    return np.random.default_rng(np.random.SeedSequence(key, spawn_key=(STREAMS[name],)))


def permutation(seed: int, epoch: int, length: int) -> np.ndarray:
    """The order of the clips in an epoch: each of 0..length-1 once, int64 [length]."""
    return stream((seed, epoch), "permutation").permutation(length)


def draw_frames(
    rng: np.random.Generator,
    length: int,
    *,
    num_frames: int,
    in_order: bool,
    frame_stride: int,
    sample_margin: int,
) -> tuple[list[int], int]:
    """Draw the target frames of an item and its reference frame from a clip of `length` frames.

    Return [num_frames] indices and that of the reference. Single frames (not `in_order`): the
    reference lies at least `sample_margin` frames from the first target, or as far as the clip
    allows; so do the other targets, none of them twice while there are others. A run: evenly
    `frame_stride` apart, or the largest smaller stride that fits, from a random start; the
    reference is any frame.
    """
    if not in_order:
        target = int(rng.integers(length))
        reference = _draw_reference(rng, target, length, margin=sample_margin)
        margin = min(sample_margin, abs(target - reference))
        far = np.flatnonzero(np.abs(np.arange(length) - reference) >= margin)
        others = rng.permutation(far[far != target]).tolist() or [target]
        return [target, *(others[i % len(others)] for i in range(num_frames - 1))], reference
    stride = min(frame_stride, (length - 1) // max(1, num_frames - 1))
    span = (num_frames - 1) * stride + 1
    start = int(rng.integers(length - span + 1))
    return list(range(start, start + span, stride)), int(rng.integers(length))


def draw_stream_frames(
    rng: np.random.Generator, length: int, window: StreamWindow, *, frame_stride: int
) -> tuple[list[int], int]:
    """Draw the frames of a stream's window, and a reference frame, from a clip of `length` frames.

    The anchor lies anywhere before the other frames, which are a run; both are `frame_stride`
    apart, or the largest smaller stride that fits.
    """
    stride = min(frame_stride, (length - 1) // max(1, window.frames - 1))
    free = length - ((window.frames - 1) * stride + 1)
    anchor = int(rng.integers(free + 1))
    run = int(rng.integers(anchor, free + 1))
    starts = [anchor] * window.chunk + [run] * (window.frames - window.chunk)
    targets = [start + i * stride for i, start in enumerate(starts)]
    return targets, int(rng.integers(length))


def draw_timesteps(
    rng: np.random.Generator,
    length: int,
    *,
    num_frames: int,
    in_order: bool,
    stream_window: StreamWindow | None = None,
) -> np.ndarray:
    """Draw the timesteps of an item, int64 [num_frames] below `length`.

    One for a whole run; each its own of single frames; of a stream mostly those of its window.
    """
    draws = rng.integers(length, size=1 if in_order else num_frames)
    if stream_window and rng.random() >= ORDINARY_SHARE:
        return np.array(stream_window.timesteps(length), np.int64)
    return np.broadcast_to(draws, [num_frames]).astype(np.int64)


def spread_timesteps(
    k: int, num_items: int, *, num_frames: int, in_order: bool, num_train_timesteps: int
) -> np.ndarray:
    """The timesteps of item k of `num_items`, int64 [num_frames]: evenly spread, not drawn.

    The schedule is cut into as many equal parts as all items have timesteps, and each timestep is
    the middle of one. The frames of a run share theirs; those of single frames lie far apart.
    """
    draws = 1 if in_order else num_frames
    parts = k + num_items * np.arange(draws)
    timesteps = (2 * parts + 1) * num_train_timesteps // (2 * num_items * draws)
    return np.broadcast_to(timesteps, [num_frames]).astype(np.int64)


def draw_noise(key: Sequence[int], shape: Sequence[int], *, offset: float) -> np.ndarray:
    """Noise float32 [C, F, h, w]: standard normal plus `offset` times one normal per channel.

    The offset, shared by all pixels and frames of a channel, lets a model learn overall brightness.
    """
    rng = stream(key, "noise")
    shared = rng.standard_normal((shape[0], 1, 1, 1), np.float32)
    return rng.standard_normal(shape, np.float32) + np.float32(offset) * shared


def _draw_reference(rng: np.random.Generator, target: int, length: int, *, margin: int) -> int:
    """Uniform over the frames of 0..length-1 at least `margin` (or all there is) from `target`."""
    margin = min(margin, max(target, length - 1 - target))
    before = max(0, target - margin + 1)  # frames 0 .. target - margin
    after = max(0, length - target - margin)  # frames target + margin .. length - 1
    if margin == 0:  # the target itself would count on both sides
        return int(rng.integers(length))
    pick = int(rng.integers(before + after))
    return pick if pick < before else target + margin + pick - before

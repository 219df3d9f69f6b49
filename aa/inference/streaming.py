"""Endless videos: one window of frames at rising noise levels, out of which clean frames come.

Every pass brings the frames of each level to the next. Those of the last are clean and leave; noise
for new poses comes in. Memory and the time of a frame do not depend on how many there are, and
there are no seams (arXiv 2412.19489, 2512.11253).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

import paddle

from aa.config.stream import StreamWindow
from aa.models.diffusion import Ddim, add_noise, ddim_step

# (noisy latents [1, C, W, h, w], timesteps [1, W], pose features [1, Cp, W, h, w]) -> prediction
Predict = Callable[[paddle.Tensor, paddle.Tensor, paddle.Tensor], paddle.Tensor]

T = TypeVar("T")


class PoseChunk(NamedTuple):
    """Pose features [1, Cp, chunk, h, w], of which the first `frames` are of a pose that came."""

    features: paddle.Tensor
    frames: int


def chunked(poses: Iterable[T], size: int) -> Iterator[tuple[list[T], int]]:
    """Poses in lists of `size`, as they come, and how many of each came.

    The last list is filled up with the last pose.
    """
    poses = iter(poses)
    while chunk := list(islice(poses, size)):
        count = len(chunk)
        yield chunk + chunk[-1:] * (size - count), count


def stream_latents(
    predict: Predict,
    poses: Iterable[PoseChunk],
    window: StreamWindow,
    solver: Ddim,
    noise: Callable[[int], paddle.Tensor],
) -> Iterator[paddle.Tensor]:
    """Yield clean latents [1, C, n, h, w] of all poses, `window.chunk` of them or fewer at a time.

    The first window is denoised as any other video is, all of its frames at one level. Its first
    chunk stays as the anchor, against a drift of colours and looks; its frames from the third chunk
    on are given noise again, each that of its level. After the last pose the window goes on with
    it until all frames that were asked for are clean.

    Args:
        predict: the denoiser with its conditions and guidance.
        poses: as they come; the source may be slow or endless.
        solver: of the noise schedule.
        noise: function of a number of frames n, to noise [1, C, n, h, w].
    """
    solver.set_timesteps(window.steps)
    source = _without_end(poses)
    held = deque(islice(source, window.frames // window.chunk))
    if not held:
        return
    latents = _first_window(predict, _joined(held), window, solver, noise)
    for chunk, entry in zip(latents.split(len(held), axis=2), list(held)[:2], strict=False):
        yield from _wanted(chunk, entry)
    levels = _levels(window, solver)
    latents = _with_noise(latents, window, levels, solver, noise)
    while any(entry.frames for entry in islice(held, 2, None)):
        moved = _pass(predict, latents, _joined(held), window, levels, solver)
        clean = moved[:, :, : window.chunk]
        yield from _wanted(clean, held[2])
        anchor = latents[:, :, : window.chunk]
        fresh = noise(window.chunk)
        latents = paddle.concat([anchor, clean, moved[:, :, window.chunk :], fresh], axis=2)
        del held[1]
        held.append(next(source))


def _without_end(poses: Iterable[PoseChunk]) -> Iterator[PoseChunk]:
    """The chunks, then the last pose for ever; nothing where there are none."""
    chunk = None
    for chunk in poses:
        yield chunk
    while chunk is not None:
        last = chunk.features[:, :, -1:]
        yield PoseChunk(last.expand(chunk.features.shape), 0)


def _joined(held: Iterable[PoseChunk]) -> paddle.Tensor:
    return paddle.concat([entry.features for entry in held], axis=2)


def _wanted(latents: paddle.Tensor, entry: PoseChunk) -> Iterator[paddle.Tensor]:
    """The latents of poses that came."""
    if entry.frames:
        yield latents[:, :, : entry.frames]


def _levels(window: StreamWindow, solver: Ddim) -> paddle.Tensor:
    """The timestep of every frame of a window, [1, W]."""
    return paddle.to_tensor([window.timesteps(len(solver.alphas))])


def _first_window(predict, pose_features, window, solver, noise) -> paddle.Tensor:
    """Clean latents of a window whose frames all have the same level, pass after pass."""
    latents = noise(window.frames)
    for t in solver.timesteps:
        prediction = predict(latents, t.expand([1, window.frames]), pose_features)
        latents = solver.step(prediction, t, latents)
    return latents


def _with_noise(latents, window, levels, solver, noise) -> paddle.Tensor:
    """Clean latents of a window, each chunk but two with the noise of its level."""
    clean, others = latents.split([window.clean, window.frames - window.clean], axis=2)
    drawn = noise(others.shape[2])
    others = add_noise(others, drawn, levels[:, window.clean :], solver.alphas)
    return paddle.concat([clean, others], axis=2)


def _pass(predict, latents, pose_features, window, levels, solver) -> paddle.Tensor:
    """The noisy frames of a window, each one level further."""
    prediction = predict(latents, levels, pose_features)
    start = window.clean
    now = levels[:, start:]
    after = paddle.concat([paddle.full([1, window.chunk], -1, now.dtype), now], axis=1)
    return ddim_step(
        latents[:, :, start:],
        prediction[:, :, start:],
        now,
        after[:, : now.shape[1]],
        solver.alphas,
        solver.kind,
    )

"""Endless videos: one window of frames at rising noise levels, out of which clean frames come.

Every pass brings the frames of each level to the next. Those of the last are clean and leave; noise
for new poses comes in. Memory and the time of a frame do not depend on how many there are, and
there are no seams (arXiv 2412.19489, 2512.11253).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import paddle
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from aa.config.stream import StreamWindow
from aa.models.diffusion import Ddim, add_noise, ddim_step

# (noisy latents [1, C, W, h, w], timesteps [1, W], poses of each chunk) -> prediction
Predict = Callable[[paddle.Tensor, paddle.Tensor, list[Any]], paddle.Tensor]
T = TypeVar("T")


class PoseChunk(NamedTuple):
    """The poses of a chunk, as the denoiser takes them, and how many of them came."""

    poses: Any
    frames: int


def chunked(poses: Iterable[T], size: int) -> Iterator[tuple[list[T], int]]:
    """Poses in lists of `size`, as they come, and how many of each came.

    The last list is filled up with the last pose; behind it comes one that has nothing else.
    """
    poses, chunk = iter(poses), []
    while following := list(islice(poses, size)):
        chunk, count = following, len(following)
        yield chunk + chunk[-1:] * (size - count), count
    if chunk:
        yield chunk[-1:] * size, 0


def each(images: Any, batch: int) -> Iterator[Any]:
    """Images of a sequence one by one, read in slices of `batch`."""
    for start in range(0, len(images), batch):
        yield from images[start : start + batch]


def shown(parts: Iterator[np.ndarray], total: int) -> Iterator[np.ndarray]:
    """The parts of a video of so many frames, which a bar counts."""
    with tqdm(total=total, desc="denoising", unit="frame") as bar:
        while True:
            with logging_redirect_tqdm():  # not while others have the part
                part = next(parts, None)
            if part is None:
                return
            bar.update(len(part))
            yield part


def stream_latents(
    predict: Predict,
    chunks: Iterable[PoseChunk],
    window: StreamWindow,
    solver: Ddim,
    noise: Callable[[int], paddle.Tensor],
) -> Iterator[tuple[paddle.Tensor, int]]:
    """Yield clean latents [1, C, n, h, w] of chunk after chunk, and how many frames are of poses.

    The first window is denoised as any other video is, all of its frames at one level; a video
    that ends in it is only as long as its chunks. Its first chunk stays as the anchor, against a
    drift of colours and looks; its frames from the third chunk on are given noise again, each that
    of its level. After the last pose the window goes on with it until all frames are clean.

    Args:
        predict: the denoiser with its conditions and guidance.
        chunks: what `chunked` gives, encoded; the source may be slow or endless.
        solver: of the noise schedule.
        noise: function of a number of frames n, to noise [1, C, n, h, w].
    """
    solver.set_timesteps(window.steps)
    source, size = _without_end(chunks), window.chunk
    held = deque(islice(source, window.frames // size))
    came = [entry for entry in held if entry.frames]
    if not came:
        return
    latents = _first_window(predict, came, solver, noise(size * len(came)))
    whole = len(came) < len(held)  # the video has ended
    done = len(came) if whole else 2
    for clean, entry in list(zip(latents.split(len(came), axis=2), came, strict=True))[:done]:
        yield clean, entry.frames
    if whole:
        return
    levels = paddle.to_tensor([window.timesteps(len(solver.alphas))])
    latents = _with_noise(latents, window, levels, solver, noise)
    while held[2].frames:
        moved = _pass(predict, latents, held, window, levels, solver)
        clean = moved[:, :, :size]
        yield clean, held[2].frames
        anchor = latents[:, :, :size]
        latents = paddle.concat([anchor, clean, moved[:, :, size:], noise(size)], axis=2)
        del held[1]
        held.append(next(source))


def _without_end(chunks: Iterable[PoseChunk]) -> Iterator[PoseChunk]:
    """The chunks, then the last for ever; nothing where there are none."""
    chunk = None
    for chunk in chunks:
        yield chunk
    while chunk is not None:
        yield chunk


def _first_window(predict, held, solver, latents) -> paddle.Tensor:
    """Clean latents of chunks whose frames all have the same level, pass after pass."""
    poses = [entry.poses for entry in held]
    for t in solver.timesteps:
        prediction = predict(latents, t.expand([1, latents.shape[2]]), poses)
        latents = solver.step(prediction, t, latents)
    return latents


def _with_noise(latents, window, levels, solver, noise) -> paddle.Tensor:
    """Clean latents of a window, each chunk but two with the noise of its level."""
    clean, others = latents.split([window.clean, window.frames - window.clean], axis=2)
    drawn = noise(others.shape[2])
    others = add_noise(others, drawn, levels[:, window.clean :], solver.alphas)
    return paddle.concat([clean, others], axis=2)


def _pass(predict, latents, held, window, levels, solver) -> paddle.Tensor:
    """The noisy frames of a window, each one level further."""
    prediction = predict(latents, levels, [entry.poses for entry in held])
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

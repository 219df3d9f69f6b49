"""The loop from noise to latents: steps, and in every step the windows of a long video."""

import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import paddle
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from aa.errors import UserError
from aa.inference.windows import WindowSchedule

if TYPE_CHECKING:
    from aa.inference.watching import Watch
    from aa.models.diffusion import Ddim, DpmSolver

# Most that the VAE decodes at once, unless requested otherwise: 8 frames of 256x512, 1 of 768x768.
DECODED_PIXELS, DECODED_FRAMES = 2**20, 16


def decode_batch(asked: int | None, height: int, width: int) -> int:
    """Frames that the VAE decodes at once: as requested, or by their size."""
    return asked or max(1, min(DECODED_FRAMES, DECODED_PIXELS // (height * width)))


class FrameNoise:
    """Noise frame by frame, so that a longer video of the same seed begins the same.

    Args:
        shape: of a frame's latents [C, h, w].
        seed, noise: see `start_latents`.
    """

    def __init__(self, shape: list[int], seed: int, noise: str) -> None:
        self.shape, self.noise, self.rng = shape, noise, np.random.default_rng(seed)
        self.shared = self.rng.standard_normal([1, *shape]) if noise != "independent" else 0

    def draw(self, count: int) -> np.ndarray:
        """Noise of the next frames, float32 [1, C, count, h, w]."""
        shape = [count, *self.shape]
        draw = self.rng.standard_normal(shape) if self.noise != "shared" else 0
        draw = (draw + self.shared) / (2**0.5 if self.noise == "mixed" else 1)
        return np.broadcast_to(draw, shape).astype(np.float32).transpose(1, 0, 2, 3)[None]


def start_latents(
    latents: np.ndarray | paddle.Tensor | None, shape: list[int], seed: int, noise: str
) -> paddle.Tensor:
    """Noise to start from [1, C, F, h, w]: as given, or drawn.

    Args:
        latents: of that shape, or None to draw.
        shape: [1, C, F, h, w].
        seed: of the draw.
        noise: how frames share it: "independent"; "shared", the same for all; "mixed", half of the
            variance shared (arXiv 2305.10474, 4.1).

    Raises:
        UserError: the given latents have another shape.
    """
    if latents is None:
        latents = FrameNoise([shape[1], *shape[3:]], seed, noise).draw(shape[2])
    if list(latents.shape) != shape:
        raise UserError(f"latents must be {shape} for this video, got {list(latents.shape)}.")
    return paddle.to_tensor(latents, dtype="float32")


def denoise(
    predict: Callable[[paddle.Tensor, paddle.Tensor, paddle.Tensor], paddle.Tensor],
    latents: paddle.Tensor,
    schedule: WindowSchedule,
    solver: "Ddim | DpmSolver",
    *,
    num_inference_steps: int,
    progress: bool = False,
    watch: "Watch | None" = None,
) -> paddle.Tensor:
    """Take all steps from noise to clean latents [1, C, F, h, w].

    Args:
        predict: function (frame numbers, their latents [1, C, f, h, w], timestep [1]) -> what the
            network predicts for them.
        latents: noise [1, C, F, h, w].
        schedule: of the windows.
        solver: of the model's noise schedule and of what it predicts.
        num_inference_steps: steps to take.
        progress: show a bar.
        watch: is told of every window and every step.
    """
    solver.set_timesteps(num_inference_steps)
    steps = [schedule.at(i) for i in range(len(solver.timesteps))]
    total = sum(len(windows) for windows, _ in steps)
    bar = tqdm(total=total, desc="denoising", unit="window", disable=not progress)
    done = itertools.count(1)

    def told() -> None:
        bar.update()
        if watch:
            watch.window(next(done))

    if watch:
        watch.denoising(total)
    with logging_redirect_tqdm(), bar:
        for number, (t, (windows, weights)) in enumerate(zip(solver.timesteps, steps, strict=True)):
            predicted = _blended(predict, latents, t, windows, weights, told)
            if watch:
                clean = functools.partial(solver.clean, predicted, t, latents)
                watch.step(number + 1, clean)
            latents = solver.step(predicted, t, latents)
    return latents


def _blended(predict, latents, t, windows, weights, told):
    """What the network predicts for all frames, of windows that share some; `told` of each."""
    blended = paddle.zeros_like(latents)
    for window, share in zip(windows, weights, strict=True):
        frames = paddle.to_tensor(window)
        part = paddle.index_select(latents, frames, axis=2)
        share = paddle.to_tensor(share).reshape([1, 1, -1, 1, 1])
        prediction = predict(frames, part, t.reshape([1])) * share
        blended = paddle.index_add(blended, frames, 2, prediction)
        told()
    return blended

"""A video in the making: how far it is, and what it will look like."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from aa.files import replacing
from aa.runs.progress import PREVIEW, ProgressWriter

if TYPE_CHECKING:
    import paddle

MOST_FRAMES, RATE = 12, 6.0  # of a preview; frames a second


class Watch:
    """Keeps the progress of an animation in its run folder, and a preview if asked for.

    A preview is the clean latents that a step predicts, small, in colours. The map from latents to
    colours is linear, fitted to the one picture of which both are known: the reference. So it suits
    any VAE, and costs nothing.

    Args:
        folder: the run folder.
        preview_every: steps from preview to preview, of a stream passes; 0: none.
    """

    def __init__(self, folder: Path, *, preview_every: int = 0) -> None:
        self.folder, self.every = folder, preview_every
        self.progress = ProgressWriter(folder)
        self._map: np.ndarray | None = None

    def begin(self, case: str, number: int, cases: int) -> None:
        """Begin a case, the `number`-th of so many."""
        self.progress.begin("preparing", 0, case=case, number=number, cases=cases)

    def encoded(self, pixels: np.ndarray, latents: np.ndarray) -> None:
        """Take a picture [3, H, W] in -1..1 and its latents [C, h, w]."""
        if self.every:
            self._map = colours_of(pixels, latents)

    def denoising(self, total: int) -> None:
        """Begin the denoising of so many windows, or of a stream of so many frames."""
        self.progress.begin("denoising", total)

    def window(self, done: int) -> None:
        """Say how many windows are denoised."""
        self.progress.done(done)

    def step(self, number: int, clean: "Callable[[], paddle.Tensor]") -> None:
        """Say that a step is taken, the `number`-th; `clean` gives its latents [1, C, F, h, w]."""
        if self.every and number % self.every == 0 and self._map is not None:
            with suppress(OSError):  # a preview fails no run
                save_preview(self.folder / PREVIEW, clean().numpy()[0], self._map)

    def end(self) -> None:
        """End a case: what it looks like is seen in its video."""
        with suppress(OSError):
            (self.folder / PREVIEW).unlink(missing_ok=True)

    def decoding(self, total: int) -> None:
        """Begin the decoding of so many frames."""
        self.progress.begin("decoding", total)

    def frames(self, done: int) -> None:
        """Say how many frames are decoded and written."""
        self.progress.done(done)


def colours_of(pixels: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """The linear map [C + 1, 3] from latents and 1 to RGB in 0..1 that suits a picture best.

    Args:
        pixels: [3, H, W] in -1..1, whole multiples of the latents' size.
        latents: [C, h, w] of it.
    """
    height, width = latents.shape[1:]
    parts = pixels.reshape(3, height, pixels.shape[1] // height, width, -1)
    target = (parts.mean(axis=(2, 4)).reshape(3, -1).T + 1) / 2
    solved, *_ = np.linalg.lstsq(_with_one(latents), target, rcond=1e-3)
    return solved.astype(np.float32)


def save_preview(path: Path, latents: np.ndarray, colours: np.ndarray) -> None:
    """Write latents [C, F, h, w] as a small moving WebP, some of their frames.

    Raises:
        OSError: it cannot be written.
    """
    count = latents.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))
    frames = []
    for number in chosen:
        values = np.clip(_with_one(latents[:, number]) @ colours, 0, 1)
        frame = np.round(255 * values).astype(np.uint8).reshape(*latents.shape[2:], 3)
        frames.append(Image.fromarray(frame))
    with replacing(path) as file:
        frames[0].save(
            file,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 / RATE),
            loop=0,
            quality=80,
        )


def _with_one(latents: np.ndarray) -> np.ndarray:
    """Latents [C, h, w] as rows [h * w, C + 1], the last column 1."""
    rows = latents.reshape(len(latents), -1).T
    return np.concatenate([rows, np.ones_like(rows[:, :1])], axis=1)

"""The window of a stream: frames at several noise levels side by side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamWindow:
    """Chunks of frames in a window of `stage=stream` and of `inference.mode=stream`.

    In their order: the anchor, clean frames of the beginning; the last clean frames; then a chunk
    for each noise level, from the least noise to none but noise. One pass brings each of these to
    the next level, so that one chunk becomes clean (arXiv 2412.19489, 2512.11253).

    Args:
        steps: noise levels, the DDIM steps from noise to clean latents.
        chunk: frames of a chunk.
    """

    steps: int
    chunk: int

    @property
    def clean(self) -> int:
        """Frames that are clean: anchor, and last clean frames."""
        return 2 * self.chunk

    @property
    def frames(self) -> int:
        """Frames of the window."""
        return self.clean + self.steps * self.chunk

    def levels(self, length: int) -> list[int]:
        """The trailing DDIM timesteps of a schedule of this length, from the least noise on."""
        return [round(length * (i + 1) / self.steps) - 1 for i in range(self.steps)]

    def timesteps(self, length: int) -> list[int]:
        """The timestep of every frame; clean ones have the first of the schedule, 0."""
        noisy = [level for level in self.levels(length) for _ in range(self.chunk)]
        return [0] * self.clean + noisy

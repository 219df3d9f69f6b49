"""Deep features of the denoiser, kept from step to step (DeepCache, arXiv 2312.00858)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paddle

    Prediction = tuple[list[paddle.Tensor], paddle.Tensor]  # of each sample; deep features


class DeepCache:
    """Deep features of every window, computed at every N-th step and reused in the steps between.

    Features belong to a window's own frames: another window computes its own. They are let go as
    soon as no step reuses them.

    Args:
        every: N, 1 or more.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._kept: dict[tuple[int, ...], tuple[int, paddle.Tensor]] = {}

    def predict(
        self, frames: paddle.Tensor, run: Callable[[paddle.Tensor | None], Prediction]
    ) -> list[paddle.Tensor]:
        """Predictions of a window at its next step.

        Args:
            frames: numbers of its frames, int64 [f].
            run: function of deep features, or of None where there are none yet, that returns the
                predictions and the deep features that they were made of.
        """
        window = tuple(frames.numpy())
        used, deep = self._kept.pop(window, (0, None))
        predictions, deep = run(deep)
        if used + 1 < self.every:
            self._kept[window] = used + 1, deep
        return predictions

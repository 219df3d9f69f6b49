"""Metrics of pairs of videos, slice by slice."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import numpy as np

from aa.errors import UserError
from aa.evaluation.catalogue import CATALOGUE
from aa.evaluation.clips import SLICE
from aa.evaluation.learned import Fvd, Lpips
from aa.evaluation.metrics import clip_mean


class Measurement:
    """Measures clips one after the other; reads the weights of learned metrics when made.

    Args:
        names: metrics of `CATALOGUE`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        of_frames = [name for name in names if name != "fvd"]
        self.functions = {
            n: cast(Callable[..., np.ndarray], CATALOGUE[n].function or Lpips().per_frame)
            for n in of_frames
        }
        self.fvd = Fvd() if "fvd" in names else None
        self.samples = 0  # of FVD

    def clip(
        self,
        slices: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray | None]],
        advance: Callable[[int], object] | None = None,
    ) -> dict[str, float]:
        """The value of every metric but FVD, {name: mean over frames}.

        Args:
            slices: iterable of (generated, truth, mask), see `PairReader`.
            advance: function that is told the number of frames done.

        Raises:
            UserError: the masks of the whole clip are empty.
        """
        values = {name: [] for name in self.functions}
        before = None
        for part in slices:
            after = part if before is None else tuple(map(_after, before, part))
            for name, function in self.functions.items():
                generated, truth, mask = after if CATALOGUE[name].pairwise else part
                extra = (mask,) if CATALOGUE[name].inside else ()
                values[name].extend(function(generated, truth, *extra))
            self._add_sample(*part[:2])
            before = part
            if advance:
                advance(len(part[0]))
        return {name: _mean(name, of_frames) for name, of_frames in values.items()}

    def _add_sample(self, generated: np.ndarray, truth: np.ndarray) -> None:
        if self.fvd is not None and len(generated) == SLICE:
            self.fvd.add(generated, truth)
            self.samples += 1


def _after(before, part):
    """The last frame of the slice before, then those of this one."""
    return None if part is None else np.concatenate([before[-1:], part])


def _mean(name: str, values: list[float]) -> float:
    if CATALOGUE[name].inside and np.isnan(values).all():
        raise UserError(f"{name}: no mask of the clip has a white pixel; is it a video of masks?")
    return clip_mean(values)

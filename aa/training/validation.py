"""Scores of clips that are held out of training: the loss, and their look when animated."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
import paddle

from aa.config.validation import LOSS
from aa.data.reporting import collate
from aa.evaluation.clips import SLICE
from aa.evaluation.measure import Measurement
from aa.inference.pipeline import Pose2VideoPipeline
from aa.training.samples import animate_clip

if TYPE_CHECKING:
    from aa.config.inference import InferenceConfig
    from aa.data.clips import ValidationItems
    from aa.models.animate_anyone import AnimateAnyone
    from aa.runs.records import Recorder
    from aa.training.usable import Usable


class ClipValidation:
    """Measures a model on held-out clips, on the same items with the same noise every time.

    With skip_bad a clip of which something does not decode is omitted: of the loss if it is in
    one of its items, of the other metrics if it is animated; the same clips every time.

    Args:
        metrics: "loss", the mean training loss of the items, and metrics of videos, for which every
            clip is animated (see `animate_clip`).
        options: with a size, for videos.
        precision: returns the context of the run's precision.
        usable: for the clips.
    """

    def __init__(
        self,
        model: AnimateAnyone,
        items: ValidationItems,
        *,
        metrics: Sequence[str],
        options: InferenceConfig,
        recorder: Recorder,
        precision: Callable[[], AbstractContextManager],
        usable: Usable,
    ) -> None:
        self.model, self.items, self.metrics = model, items, metrics
        self.options, self.recorder, self.precision = options, recorder, precision
        self.usable = usable
        self.animated = [name for name in metrics if name != LOSS]

    def __call__(self, step: int) -> None:
        """Record val/loss, val/psnr, ...; what is no number is null."""
        found = {}
        with self.precision(), paddle.no_grad():
            if LOSS in self.metrics:
                found[LOSS] = self._loss()
            if self.animated:
                found |= self._scores()
        values = {name: found[name] if math.isfinite(found[name]) else None for name in found}
        self.recorder.record(step, group="val", **values)

    def _loss(self) -> float:
        """One item at a time: that takes less memory than any step, and is the same for all."""
        numbers = defaultdict(list)  # of each clip's items
        for k in range(len(self.items)):
            numbers[self.items.clip(k)].append(k)

        def losses(clip):
            return {k: self._item_loss(k) for k in numbers[clip]}

        found = {}
        for of_clip in self.usable.each(list(numbers), losses):
            found |= of_clip
        return sum(found[k] for k in sorted(found)) / len(found)

    def _item_loss(self, k: int) -> float:
        batch = collate([self.items[k]])
        return float(self.model(**{n: paddle.to_tensor(v) for n, v in batch.items()}))

    def _scores(self) -> dict[str, float]:
        """{name: mean over clips}; FVD is of all clips together."""
        pipeline, measurement = Pose2VideoPipeline(self.model), Measurement(self.animated)

        def score(clip):
            result, truth, _ = animate_clip(pipeline, clip, self.options)
            starts = range(0, len(result), SLICE)
            slices = ((result[i : i + SLICE], truth[i : i + SLICE], None) for i in starts)
            return measurement.clip(slices)

        clips = self.usable.each(self.items.clips, score)
        scores = {name: float(np.mean([clip[name] for clip in clips])) for name in clips[0]}
        return scores | ({"fvd": measurement.fvd.value()} if measurement.fvd else {})

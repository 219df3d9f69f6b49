"""Scores of clips that are held out of training: the loss, and how they look when animated."""

import math
from collections import defaultdict

import numpy as np
import paddle

from aa.config.validation import LOSS
from aa.data.reporting import collate
from aa.evaluation.clips import SLICE
from aa.evaluation.measure import Measurement
from aa.inference.pipeline import Pose2VideoPipeline
from aa.training.samples import animate_clip


class ClipValidation:
    """Measures a model on held-out clips, on the same items with the same noise every time.

    With skip_bad a clip of which something does not decode is left out: of the loss if it is in
    one of its items, of the other metrics if it is animated; the same clips every time.

    Args:
        model: the `AnimateAnyone`.
        items: `ValidationItems` of the clips.
        metrics: "loss", the mean training loss of the items, and metrics of videos, for which every
            clip is animated (see `animate_clip`).
        options: the `InferenceConfig`; of videos it has a size.
        recorder: a `runs.Recorder`.
        precision: function that returns the context of the run's precision.
        usable: a `Usable` for the clips.
    """

    def __init__(self, model, items, *, metrics, options, recorder, precision, usable):
        self.model, self.items, self.metrics = model, items, metrics
        self.options, self.recorder, self.precision = options, recorder, precision
        self.usable = usable
        self.animated = [name for name in metrics if name != LOSS]

    def __call__(self, step):
        """Record val/loss, val/psnr, ...; what is no number is null."""
        found = {}
        with self.precision(), paddle.no_grad():
            if LOSS in self.metrics:
                found[LOSS] = self._loss()
            if self.animated:
                found |= self._scores()
        values = {name: found[name] if math.isfinite(found[name]) else None for name in found}
        self.recorder.record(step, group="val", **values)

    def _loss(self):
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

    def _item_loss(self, k):
        batch = collate([self.items[k]])
        return float(self.model(**{n: paddle.to_tensor(v) for n, v in batch.items()}))

    def _scores(self):
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

"""Scores of clips that are held out of training: the loss, and how they look when animated."""

import math

import numpy as np
import paddle

from aa.data.reporting import collate
from aa.evaluation.clips import SLICE
from aa.evaluation.measure import Measurement
from aa.inference.pipeline import Pose2VideoPipeline
from aa.schemas.validation import LOSS
from aa.training.samples import animate_clip


class ClipValidation:
    """Measures a model on held-out clips, on the same items with the same noise every time.

    Args:
        model: the `AnimateAnyone`.
        items: `ValidationItems` of the clips.
        metrics: "loss", the mean training loss of the items, and metrics of videos, for which every
            clip is animated (see `animate_clip`).
        options: the `InferenceConfig`; of videos it has a size.
        recorder: a `runs.Recorder`.
        precision: function that returns the context of the run's precision.
    """

    def __init__(self, model, items, *, metrics, options, recorder, precision):
        self.model, self.items, self.metrics = model, items, metrics
        self.options, self.recorder, self.precision = options, recorder, precision
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
        losses = []
        for k in range(len(self.items)):
            batch = collate([self.items[k]])
            losses.append(float(self.model(**{n: paddle.to_tensor(v) for n, v in batch.items()})))
        return sum(losses) / len(losses)

    def _scores(self):
        """{name: mean over clips}; FVD is of all clips together."""
        pipeline, measurement = Pose2VideoPipeline(self.model), Measurement(self.animated)
        clips = []
        for clip in self.items.clips:
            result, truth, _ = animate_clip(pipeline, clip, self.options)
            starts = range(0, len(result), SLICE)
            slices = ((result[i : i + SLICE], truth[i : i + SLICE], None) for i in starts)
            clips.append(measurement.clip(slices))
        scores = {name: float(np.mean([clip[name] for clip in clips])) for name in clips[0]}
        return scores | ({"fvd": measurement.fvd.value()} if measurement.fvd else {})

"""The test of a model on generated figures that were in no training clip."""

import numpy as np
from PIL import Image

from aa.evaluation.puppet_pairs import Pairs, score_pairs
from aa.inference.pipeline import Pose2VideoPipeline
from aa.inference.run import sampling_options


def animator(model, options):
    """A function (references, poses, seeds) -> frames, as `aa.evaluation.puppets` tests it.

    Args:
        model: an `AnimateAnyone` in evaluation mode.
        options: an `InferenceConfig`; its size, seed and number of frames are the test's.
    """
    pipeline, fixed = Pose2VideoPipeline(model), sampling_options(options)

    def animate(references, poses, seeds):
        videos = []
        for reference, frames, seed in zip(references, poses, seeds, strict=True):
            height, width = frames.shape[1:3]
            sampled = pipeline.frames(
                Image.fromarray(reference),
                list(frames),
                height=height,
                width=width,
                **{**fixed, "seed": seed},
            )
            videos.append(np.concatenate(list(sampled)))
        return np.stack(videos)

    return animate


class Validation:
    """Scores of figures of the validation split, the same ones with the same noise every time.

    Args:
        model: the `AnimateAnyone`.
        options: see `animator`.
        protocol: a `Protocol` of the validation split.
        recorder: a `runs.Recorder`.
        autocast: function that returns the context of the run's precision.
    """

    def __init__(self, model, options, protocol, recorder, autocast):
        self.animate, self.pairs = animator(model, options), Pairs.draw(protocol)
        self.recorder, self.autocast = recorder, autocast

    def __call__(self, step):
        """Animate and record the means as validation/psnr, psnr_figure and ssim."""
        with self.autocast():
            frames = self.pairs.animate(self.animate)
        scores = score_pairs(self.pairs, frames)
        self.recorder.record(
            step, group="validation", **{name: score["mean"] for name, score in scores.items()}
        )

"""The test of a model on generated figures that were in no training clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from aa.inference.pipeline import Pose2VideoPipeline
from aa.plain import printable
from aa.puppets.evaluation import evaluate
from aa.puppets.report import write_report
from aa.puppets.summary import summary
from aa.puppets.test_clips import score_clips
from aa.puppets.test_pairs import Pairs, score_pairs
from aa.runs.lines import read_records
from aa.weights.models import load_model

if TYPE_CHECKING:
    from aa.config.inference import InferenceConfig
    from aa.models.animate_anyone import AnimateAnyone
    from aa.puppets.evaluation import Outcome
    from aa.puppets.scenes import Protocol
    from aa.runs.records import Recorder

    # (references, poses, seeds, the references' own poses) -> frames
    Animate = Callable[[np.ndarray, np.ndarray, Sequence[int], np.ndarray], np.ndarray]


def animator(model: AnimateAnyone, options: InferenceConfig) -> Animate:
    """A function of references and poses, as `aa.puppets.evaluation` tests it.

    Args:
        model: in evaluation mode.
        options: its size, seed and number of frames are the test's.
    """
    pipeline = Pose2VideoPipeline(model)

    def animate(*given):
        videos = []
        for reference, frames, seed, own in zip(*given, strict=True):
            height, width = frames.shape[1:3]
            sampled = pipeline.frames(
                Image.fromarray(reference),
                list(frames),
                height=height,
                width=width,
                reference_pose=Image.fromarray(own) if model.has_reference_pose else None,
                options=options,
                seed=seed,
            )
            videos.append(np.concatenate(list(sampled)))
        return np.stack(videos)

    return animate


class PuppetValidation:
    """Scores of figures of the validation split, the same ones with the same noise every time.

    Args:
        options: see `animator`.
        protocol: of the validation split.
        precision: returns the context of the run's precision.
    """

    def __init__(
        self,
        model: AnimateAnyone,
        options: InferenceConfig,
        protocol: Protocol,
        recorder: Recorder,
        precision: Callable[[], AbstractContextManager],
    ) -> None:
        self.animate, self.pairs = animator(model, options), Pairs.draw(protocol)
        self.recorder, self.precision = recorder, precision

    def __call__(self, step: int) -> None:
        """Animate and record the means as val/psnr, val/psnr_figure and val/ssim."""
        with self.precision():
            frames = self.pairs.animate(self.animate)
        scores = score_pairs(self.pairs, frames)
        self.recorder.record(
            step, group="val", **{name: score["mean"] for name, score in scores.items()}
        )


class PuppetTest:
    """Animates held-out figures with a run's result, scores them and writes the report.

    Args:
        folder: the run folder.
        protocol: of the test split.
        stages: {title: folder of its run}, in order; the last one's result is tested, the clips of
            all are compared.
        options: of the animations.
        validation: protocol of the figures that training was validated on.
        precision: returns the context of the run's precision.
        title: of the report.
        command: that repeats the run.
        values: of the config, for the report.
    """

    def __init__(
        self,
        folder: Path,
        protocol: Protocol,
        stages: dict[str, Path],
        *,
        options: InferenceConfig,
        validation: Protocol,
        precision: Callable[[], AbstractContextManager],
        title: str,
        command: str,
        values: dict[str, Any],
    ) -> None:
        self.folder, self.protocol, self.stages = folder, protocol, stages
        self.options, self.validation, self.precision = options, validation, precision
        self.title, self.command, self.values = title, command, values

    def run(self) -> None:
        """Write `report.html`, `scores.json` and `report/`; prints the scores that matter."""
        models = self._models()
        *_, last = models
        with self.precision():
            outcome = evaluate(animator(models[last], self.options), self.protocol)
            outcome.scores["clips"] |= self._compare(models, outcome)
        page = write_report(
            self.folder,
            outcome,
            title=f"{self.title}: held-out figures in held-out motions",
            losses={title: self._records(title, "loss") for title in self.stages},
            quality=self._quality(),
            baseline=self._copies(),
            command=self.command,
            values=self.values,
        )
        print(f"{summary(outcome.scores)}\nreport: {printable(page)}")

    def _models(self) -> dict[str, AnimateAnyone]:
        return {title: load_model(folder) for title, folder in self.stages.items()}

    def _compare(self, models: dict[str, AnimateAnyone], outcome: Outcome) -> dict[str, Any]:
        """Scores of the clips by stage and kind of starting noise."""
        *_, last = models
        clips, rows = outcome.clips, {}
        for title, model in models.items():
            for noise in ("independent", "shared"):
                name = f"{title}, {noise} noise"
                if (title, noise) == (last, self.options.noise):
                    rows[name] = outcome.scores["clips"]["generated"]
                    continue
                animate = animator(model, replace(self.options, noise=noise))
                rows[name] = score_clips(clips, clips.animate(animate, progress=name))
        return rows

    def _records(self, title: str, key: str) -> list[dict[str, Any]]:
        """The lines of a stage's metrics.jsonl that have `key`."""
        return [r for r in read_records(self.stages[title] / "metrics.jsonl") if key in r]

    def _quality(self) -> list[dict[str, Any]]:
        """Validation scores by minutes of training, over all stages."""
        points, before = [], 0.0
        for title in self.stages:
            last = self._records(title, "training_minutes")[-1]
            a_step = last["training_minutes"] / last["step"]
            points += [
                {
                    "minutes": before + record["step"] * a_step,
                    "psnr": record["val/psnr"],
                    "psnr_figure": record["val/psnr_figure"],
                }
                for record in self._records(title, "val/psnr")
            ]
            before += last["training_minutes"]
        return points

    def _copies(self) -> dict[str, float]:
        pairs = Pairs.draw(self.validation)
        scores = score_pairs(pairs, pairs.references)
        return {name: scores[name]["mean"] for name in ("psnr", "psnr_figure")}

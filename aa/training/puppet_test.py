"""The test of a model on generated figures that were in no training clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from aa.config.convert import to_dict
from aa.inference.pipeline import Pose2VideoPipeline
from aa.inference.run import autocast
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
    from aa.config.primary import TrainConfig
    from aa.config.puppet_test import PuppetTestConfig
    from aa.models.animate_anyone import AnimateAnyone
    from aa.puppets.evaluation import Outcome
    from aa.puppets.scenes import Protocol
    from aa.runs.records import Recorder

    # (references, poses, seeds) -> frames
    Animate = Callable[[np.ndarray, np.ndarray, Sequence[int]], np.ndarray]


def animator(model: AnimateAnyone, options: InferenceConfig) -> Animate:
    """A function (references, poses, seeds) -> frames, as `aa.puppets.evaluation` tests it.

    Args:
        model: in evaluation mode.
        options: its size, seed and number of frames are the test's.
    """
    pipeline = Pose2VideoPipeline(model)

    def animate(references, poses, seeds):
        videos = []
        for reference, frames, seed in zip(references, poses, seeds, strict=True):
            height, width = frames.shape[1:3]
            sampled = pipeline.frames(
                Image.fromarray(reference),
                list(frames),
                height=height,
                width=width,
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
        command: that repeats the run.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        protocol: Protocol,
        stages: dict[str, Path],
        command: str,
    ) -> None:
        self.config, self.folder, self.protocol = config, folder, protocol
        self.stages, self.command = stages, command

    def run(self) -> None:
        """Write `report.html`, `scores.json` and `report/`; prints the scores that matter."""
        options, models = self.config.inference, self._models()
        *_, last = models
        with autocast(self.config):
            outcome = evaluate(animator(models[last], options), self.protocol)
            outcome.scores["clips"] |= self._compare(models, outcome)
        page = write_report(
            self.folder,
            outcome,
            title=f"{self.config.name}: held-out figures in held-out motions",
            losses={title: self._records(title, "loss") for title in self.stages},
            quality=self._quality(),
            baseline=self._copies(),
            command=self.command,
            values=self._values(),
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
                if (title, noise) == (last, self.config.inference.noise):
                    rows[name] = outcome.scores["clips"]["generated"]
                    continue
                animate = animator(model, replace(self.config.inference, noise=noise))
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
        pairs = Pairs.draw(
            replace(
                self.protocol,
                split="validation",
                num_pairs=cast("PuppetTestConfig", self.config.test).validation_pairs,
            )
        )
        scores = score_pairs(pairs, pairs.references)
        return {name: scores[name]["mean"] for name in ("psnr", "psnr_figure")}

    def _values(self) -> dict[str, Any]:
        """The config's values that decide the result, for the report."""
        values = {"seed": self.config.seed}
        for name in ("model", "data", "stage", "next_stage", "inference"):
            group = getattr(self.config, name)
            for key, value in to_dict(group).items() if group else ():
                if not isinstance(value, dict):
                    values[f"{name}.{key}"] = value
        return values

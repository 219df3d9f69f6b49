"""The numbers that runs are compared by, from the files of a run folder."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aa.config.evaluation import METRICS, ON_REQUEST, higher_is_better
from aa.errors import UserError
from aa.runs.kinds import Summary
from aa.runs.layout import METRICS as RECORDS
from aa.runs.layout import SCORES, STAGES, SUMMARY
from aa.runs.lines import is_number
from aa.runs.tolerant import TolerantReader
from aa.runs.work import Work, WorkOfSteps, total_work, work_of_clips, work_of_videos

KNOWN = ("loss", *METRICS, *ON_REQUEST)
MOST_POINTS = 500_000  # of a stage
# The default to compare by: the first of these that a job has.
USUAL = ("val/loss", "val/psnr", "eval/psnr", "test/psnr", "train/loss")


@dataclass(frozen=True)
class Metric:
    """A finite number, and the step it is of where it has one."""

    value: float
    step: int | None = None


def is_metric(name: str) -> bool:
    """Return whether runs may have a metric of this name."""
    return name.rpartition("/")[2] in KNOWN


def direction(name: str) -> Literal["min", "max"]:
    """The better direction of a metric, "min" or "max".

    Raises:
        UserError: no run has such a metric.
    """
    base = name.rpartition("/")[2]
    if not is_metric(name):
        raise UserError(
            f"{name}: no such metric; it has to be of {', '.join(KNOWN)}, as in val/loss."
        )
    return "max" if higher_is_better(base) else "min"


Curves = dict[str, dict[str, list[tuple[int, float]]]]  # of each stage, of each metric


def job_metrics(folder: str | Path) -> dict[str, Metric]:
    """The metrics of a run so far, as {name: `Metric`}; files cut short count as far as they go.

    `train/loss` is the last recorded one of the last stage. `val/...` is the best of the last stage
    that has validated. `test/...` is the mean over held-out figures, `eval/...` over clips.
    """
    return read_results(TolerantReader(folder)).metrics


@dataclass(frozen=True)
class Results:
    """What a run has come to: its curves, the metrics they and its scores give, and its work."""

    curves: Curves
    metrics: dict[str, Metric]
    work: Work


def read_results(reader: TolerantReader) -> Results:
    """The `Results` of a run so far, see `job_metrics`."""
    curves, trained = stage_curves(reader)
    measured = reader.json(SCORES[1], dict) or {}
    videos = (reader.json(SUMMARY, Summary) or {}).get("videos", [])
    clips = work_of_clips(measured.get("num_clips"), measured.get("num_frames"))
    work = total_work([*trained, work_of_videos(videos), clips])
    return Results(curves, _metrics(curves) | _scores(reader) | _evaluation(measured), work)


def _metrics(curves: Curves) -> dict[str, Metric]:
    """The metrics of curves."""
    found = {}
    if curves:
        *_, last = curves.values()
        losses = last.get("train/loss")
        found |= {"train/loss": Metric(losses[-1][1], losses[-1][0])} if losses else {}
    validated = [c for c in curves.values() if any(name.startswith("val/") for name in c)]
    for name, points in validated[-1].items() if validated else ():
        if name.startswith("val/"):
            best = min if direction(name) == "min" else max
            step, value = best(points, key=lambda point: point[1])
            found[name] = Metric(value, step)
    return found


def stage_curves(reader: TolerantReader) -> tuple[Curves, list[Work]]:
    """{stage: {name: list of (step, value)}} of a run's `metrics.jsonl`, and the work of each.

    The stages of a run that has two are "stage1" and "stage2", even before the second begins; the
    one of any other is "". What is no finite number is left out, and so are unknown metrics.
    """
    two = any(os.path.isdir(reader.folder / name) for name in STAGES)
    found = {s: _curves(reader, f"{s}/{RECORDS}".lstrip("/")) for s in (STAGES if two else ("",))}
    return {s: curves for s, (curves, _) in found.items()}, [work for _, work in found.values()]


def _curves(reader: TolerantReader, name: str) -> tuple[dict[str, list[tuple[int, float]]], Work]:
    curves, counted = {}, WorkOfSteps()
    for count, record in enumerate(reader.lines(name)):
        if count == MOST_POINTS:
            reader.troubles.append(f"{reader.folder / name}: only {count} records are read")
            break
        counted.take(record)
        for key, value in record.items():
            asked = key == "loss" or (key.startswith("val/") and key[4:] in KNOWN)
            if asked and is_number(value):
                curves.setdefault(key, []).append((record["step"], value))
    if "loss" in curves:
        curves = {"train/loss": curves.pop("loss"), **curves}
    return curves, counted.work


def _scores(reader: TolerantReader) -> dict[str, Metric]:
    """Means over held-out figures, of `scores.json`."""
    scores = reader.json(SCORES[0], dict) or {}
    return _means("test", _inner(_inner(scores, "pairs"), "generated"))


def _evaluation(measured: Mapping[str, Any]) -> dict[str, Metric]:
    """Means over clips, of `metrics.json`; FVD is one value."""
    return _means("eval", _inner(measured, "metrics"))


def _inner(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _means(group: str, scores: Mapping[str, Any]) -> dict[str, Metric]:
    found = {}
    for name in (name for name in scores if name in KNOWN):
        score = _inner(scores, name)
        value = score.get("mean", score.get("value", math.nan))
        if is_number(value):
            found[f"{group}/{name}"] = Metric(value)
    return found

"""The numbers that runs are compared by, from the files of a run folder. Imports no paddle."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from aa.errors import UserError
from aa.runs import STAGES
from aa.schemas.evaluation import METRICS, ON_REQUEST, higher_is_better

KNOWN = ("loss", *METRICS, *ON_REQUEST)
# What is compared where nobody says: the first that a job has.
USUAL = ("val/loss", "val/psnr", "eval/psnr", "test/psnr", "train/loss")


@dataclass(frozen=True)
class Metric:
    """A finite number, and the step it is of where it has one."""

    value: float
    step: int | None = None


def direction(name):
    """Which way a metric is better, "min" or "max".

    Raises:
        UserError: no run has such a metric.
    """
    base = name.rpartition("/")[2]
    if base not in KNOWN:
        raise UserError(
            f"{name}: no such metric; it has to be of {', '.join(KNOWN)}, as in val/loss."
        )
    return "max" if higher_is_better(base) else "min"


def job_metrics(folder):
    """What a run has come to by now, as {name: `Metric`}; files cut short count as far as they go.

    `train/loss` is the last recorded one of the last stage. `val/...` is the best of the last stage
    that has validated. `test/...` is the mean over held-out figures, `eval/...` over clips.
    """
    return metrics_of(folder, stage_curves(folder))


def metrics_of(folder, curves):
    """As `job_metrics`, of curves that have been read."""
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
    return found | _scores(folder) | _evaluation(folder)


def stage_curves(folder):
    """{stage: {name: list of (step, value)}} of a run's `metrics.jsonl`.

    The stages of a run that has two are "stage1" and "stage2", even before the second begins; the
    one of any other is "". What is no finite number is left out, and so are unknown metrics.
    """
    folder = Path(folder)
    two = any((folder / name).is_dir() for name in STAGES)
    return {name: _curves(folder / name / "metrics.jsonl") for name in (STAGES if two else ("",))}


def read_tolerantly(path):
    """JSON of a file as a dict; an empty one if it is missing, half-written, or something else."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _curves(path):
    curves = {}
    for record in _records(path):
        step = record.get("step")
        for name, value in record.items():
            asked = name == "loss" or name.startswith("val/")
            if asked and _is_number(value) and _is_number(step):
                curves.setdefault(name, []).append((step, value))
    if "loss" in curves:
        curves = {"train/loss": curves.pop("loss"), **curves}
    return {name: points for name, points in curves.items() if _is_known(name)}


def _records(path):
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # cut short
            continue
        if isinstance(record, dict):
            yield record


def _is_known(name):
    try:
        return bool(direction(name))
    except UserError:
        return False


def _is_number(value):
    return isinstance(value, int | float) and math.isfinite(value)


def _scores(folder):
    """Means over held-out figures, of `scores.json`."""
    scores = read_tolerantly(Path(folder) / "scores.json")
    return _means("test", _inner(_inner(scores, "pairs"), "generated"))


def _evaluation(folder):
    """Means over clips, of `metrics.json`; FVD is one value."""
    return _means("eval", _inner(read_tolerantly(Path(folder) / "metrics.json"), "metrics"))


def _inner(values, key):
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _means(group, scores):
    found = {}
    for name in filter(_is_known, scores):
        score = _inner(scores, name)
        value = score.get("mean", score.get("value", math.nan))
        if _is_number(value):
            found[f"{group}/{name}"] = Metric(value)
    return found

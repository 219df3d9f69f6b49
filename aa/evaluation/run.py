"""An evaluation run: pairs of videos in, a table and its records out."""

import csv
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from aa.config.evaluation import higher_is_better
from aa.errors import UserError
from aa.evaluation.catalogue import CATALOGUE, choose
from aa.evaluation.clips import PairReader, describe
from aa.evaluation.learned import FVD_FEATURES, Fvd
from aa.evaluation.measure import Measurement
from aa.evaluation.metrics import mean_and_interval
from aa.evaluation.pairs import Pair
from aa.files import write_json
from aa.plain import csv_cell, printable
from aa.runs.fingerprints import fingerprint
from aa.runs.snapshots import write_snapshot

log = logging.getLogger(__name__)


class EvaluationRun:
    """Measures all pairs into a run folder.

    Args:
        folder: the run folder.
        pairs: to measure.
        metrics: to compute; None for all that can be.
        fit: how true videos are brought to the size of the generated ones: pad, crop or None.
        config: of the run, as plain values for its records.
    """

    def __init__(
        self,
        folder: Path,
        pairs: list[Pair],
        *,
        metrics: Sequence[str] | None,
        fit: str | None,
        config: dict[str, Any],
    ) -> None:
        self.folder, self.pairs, self.metrics, self.fit = folder, pairs, metrics, fit
        self.config = config

    def run(self) -> None:
        """Check all pairs, measure them, write the records and print the table.

        Raises:
            UserError: a video cannot be read, or a metric not be computed.
        """
        pairs, clips = self.pairs, describe(self.pairs, fit=self.fit)
        masked = any(pair.mask for pair in pairs)
        names, left_out = choose(self.metrics, clips, masks=masked)
        for name, reason in left_out.items():
            log.info("%s is left out: %s", name, reason)
        measurement = Measurement(names)
        files = [path for p in pairs for path in (p.generated, p.truth, p.mask) if path]
        write_snapshot(self.folder, self.config, fingerprint(files))
        frames = sum(clip["frames"] for clip in clips)
        with tqdm(total=frames, desc="measuring", unit="frame", file=sys.stdout) as bar:
            for pair, clip in zip(pairs, clips, strict=True):
                clip.update(self._measure(measurement, pair, bar.update))
        if "fvd" in names and measurement.samples <= FVD_FEATURES:
            log.warning(
                "fvd: %d samples cannot fill a covariance of %d features; take it as rough.",
                measurement.samples,
                FVD_FEATURES,
            )
        summary = summarise(clips, names, measurement)
        write_json(self.folder / "metrics.json", {**summary, "left_out": left_out, "clips": clips})
        write_csv(self.folder / "metrics.csv", clips)
        print(table(summary))
        print(f"records:  {printable(self.folder / 'metrics.json')}")

    def _measure(
        self, measurement: Measurement, pair: Pair, advance: Callable[[int], object]
    ) -> dict[str, float]:
        try:
            return measurement.clip(PairReader(pair, fit=self.fit), advance)
        except UserError as error:
            raise UserError(f"{pair.name}: {error}") from error


def summarise(
    clips: list[dict[str, Any]], names: list[str], measurement: Measurement
) -> dict[str, Any]:
    """Numbers of clips and frames, and mean and interval of each metric, as plain values."""
    results = {}
    for name in names:
        metric, better = CATALOGUE[name], "higher" if higher_is_better(name) else "lower"
        about = {"unit": metric.unit, "better": better, "definition": metric.definition}
        if name == "fvd":  # of all clips together
            numbers = {"value": cast(Fvd, measurement.fvd).value(), "samples": measurement.samples}
        else:
            mean, half = mean_and_interval([clip[name] for clip in clips])
            interval = None if half is None else [mean - half, mean + half]
            numbers = {"mean": mean, "interval_95": interval}
        results[name] = {**numbers, **about}
    frames = sum(clip["frames"] for clip in clips)
    return {"num_clips": len(clips), "num_frames": frames, "data_range": 1.0, "metrics": results}


def table(summary: Mapping[str, Any]) -> str:
    """The results as lines of text."""
    clips, frames = summary["num_clips"], summary["num_frames"]
    lines = [
        f"{clips} clip{'s' * (clips > 1)}, {frames} frame{'s' * (frames > 1)}; "
        "mean over clips +- half its 95% interval"
    ]
    for name, result in summary["metrics"].items():
        if name == "fvd":
            number = f"{result['value']:10.4f}  ({result['samples']} samples)"
        else:
            interval = result["interval_95"]
            half = "" if interval is None else f" +- {(interval[1] - interval[0]) / 2:.4f}"
            number = f"{result['mean']:10.4f}{half}"
        lines.append(f"{name:<22}{number} {result['unit']:<3} {result['better']} is better")
    return "\n".join(lines)


def write_csv(path: str | Path, clips: list[dict[str, Any]]) -> None:
    """One line per clip."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(clips[0]))
        writer.writeheader()
        writer.writerows({key: csv_cell(value) for key, value in clip.items()} for clip in clips)

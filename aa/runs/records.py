"""The records of a training by step: metrics.jsonl, and what trackers make of them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa.files import replacing, unlinked
from aa.runs.layout import METRICS
from aa.runs.lines import read_lines
from aa.runs.outcomes import DONE
from aa.runs.visualdl_tracker import VisualdlTracker

if TYPE_CHECKING:
    import numpy as np

    from aa.runs.trackers import Background, TrackedRun, Tracker

log = logging.getLogger(__name__)


class Recorder:
    """Appends to `metrics.jsonl`, and tells trackers: VisualDL, and others that are asked for.

    Args:
        folder: the run folder.
        step: of what a stopped run resumes from; its later lines are dropped.
        run: what trackers are told of it.
        trackers: the others.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        step: int = 0,
        run: TrackedRun | None = None,
        trackers: Iterable[Tracker | Background] = (),
    ) -> None:
        folder, self.run = Path(folder), run
        self.last = _cut(folder, METRICS, step)
        _cut(folder, "nonfinite.jsonl", step)
        # Closed by `close`.
        self.file = open(folder / METRICS, "a", opener=unlinked)  # noqa: SIM115
        self.trackers = [VisualdlTracker(folder, step=step), *trackers]

    def begin(self) -> None:
        """Tell trackers what this training is, when nothing but its steps can go wrong."""
        if self.run is not None:
            for tracker in self.trackers:
                tracker.begin(self.run)

    def record(self, step: int, *, group: str = "train", **values: float | None) -> None:
        """Write one line of values for a step, and the same as scalars of trackers.

        In the file, names of another group than "train" have it in front: "val/psnr".
        """
        prefix = "" if group == "train" else f"{group}/"
        line = {"step": step, **{prefix + key: value for key, value in values.items()}}
        if group == "train":
            self.last = line
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        numbers = {key: value for key, value in values.items() if value is not None}
        for tracker in self.trackers:
            tracker.scalars(group, numbers, step)

    def image(self, tag: str, image: np.ndarray, step: int) -> None:
        """Show trackers an image, uint8 [H, W, 3]."""
        for tracker in self.trackers:
            tracker.image(tag, image, step)

    def wrote(self, kind: str, path: Path, step: int) -> None:
        """Tell trackers of a "sample" or a "checkpoint" that is on the disk."""
        for tracker in self.trackers:
            tracker.file(kind, path, step)

    def flush(self) -> None:
        """Return when the file is on the disk, and VisualDL's with the system."""
        self.file.flush()
        os.fsync(self.file.fileno())
        for tracker in self.trackers:
            tracker.flush()

    def close(self, state: str = DONE) -> None:
        """Flush and close all, once.

        Args:
            state: of the run, see `aa.runs.outcomes`.
        """
        if self.file.closed:
            return
        self.file.close()
        for tracker in self.trackers:
            tracker.end(state)


def _cut(folder: Path, name: str, step: int) -> dict[str, Any]:
    """Drop a file's records of later steps and what is damaged; return the last loss that is kept.

    A power cut leaves zero bytes, or half a line, where the file was being written.
    """
    path, damaged, size, last = folder / name, [], 0, {}
    if not os.path.lexists(path):
        return last
    for line, record in _up_to(folder, name, step, damaged.append):
        size += len(line)
        last = record if "loss" in record else last
    if size != path.stat().st_size:
        with replacing(path) as file:
            for line, _ in _up_to(folder, name, step, str):
                file.write(line)
    if damaged:
        log.warning(
            "%s, as a power cut leaves it: dropped. What came after step %d is recorded again",
            damaged[0],
            step,
        )
    return last


def _up_to(
    folder: Path, name: str, step: int, damaged: Callable[[str], object]
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    found = read_lines(folder, name, damaged)
    return ((line, record) for line, record in found if record["step"] <= step)

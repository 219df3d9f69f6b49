"""The work that a run has done, and the time it took for it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aa.runs.lines import is_number

MOST = 2**53  # of a count: whole numbers that a float has


@dataclass(frozen=True)
class Work:
    """The work of a run, or of several.

    Attributes:
        steps: of a training, of all its stages.
        items: samples of a training over all processes, videos of an animation, clips of a
            measurement.
        frames: of all items.
        seconds: in the steps of a training over all its starts (without samples, validation and
            checkpoints), or in the videos of an animation; None where nobody has counted.
    """

    steps: int = 0
    items: int = 0
    frames: int = 0
    seconds: float | None = None


class WorkOfSteps:
    """Counts the work of one stage from the lines of its `metrics.jsonl`."""

    def __init__(self) -> None:
        self.steps, self._items, self._frames = 0, 0, 0
        self._seconds: float | None = None

    def take(self, record: Mapping[str, Any]) -> None:
        """Count the steps since the last line; others than those of a training say nothing."""
        taken = record["step"] - self.steps
        if "loss" not in record or taken <= 0:
            return
        self.steps += taken
        seconds = record.get("seconds_per_step")
        self._items += taken * _of_a_step(record.get("samples_per_second"), seconds)
        self._frames += taken * _of_a_step(record.get("frames_per_second"), seconds)
        minutes: Any = record.get("training_minutes")
        self._seconds = 60.0 * minutes if is_number(minutes) else self._seconds

    @property
    def work(self) -> Work:
        """What has been counted."""
        counts = (min(count, MOST) for count in (self.steps, self._items, self._frames))
        return Work(*counts, seconds=self._seconds)


def total_work(parts: Iterable[Work]) -> Work:
    """The sum of what several have done."""
    parts = list(parts)
    seconds = [part.seconds for part in parts if part.seconds is not None]
    return Work(
        steps=sum(part.steps for part in parts),
        items=sum(part.items for part in parts),
        frames=sum(part.frames for part in parts),
        seconds=math.fsum(seconds) if seconds else None,
    )


def work_of_videos(videos: Iterable[Mapping[str, Any]]) -> Work:
    """The work of an animation, of the videos that its summary tells."""
    videos = list(videos)
    seconds = [video["seconds"] for video in videos if is_number(video.get("seconds"))]
    return Work(
        items=len(videos),
        frames=min(sum(video.get("frames", 0) for video in videos), MOST),
        seconds=math.fsum(seconds) if seconds else None,
    )


def work_of_clips(clips: Any, frames: Any) -> Work:
    """The work of a measurement, of what it says that it has measured."""
    counts = (min(max(n, 0), MOST) if type(n) is int else 0 for n in (clips, frames))
    return Work(0, *counts)


def _of_a_step(rate: Any, seconds: Any) -> int:
    """How many there are in a step, of how many there are in a second; 0 where nobody says."""
    if not (is_number(rate) and is_number(seconds)):
        return 0
    found = rate * seconds
    return round(found) if 0 < found < MOST else 0

"""The three kinds of work, each on a separate record or clip, in any process of any host."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from aa.config.prepare import KeepConfig, ScenesConfig
from aa.data.video import VideoReader
from aa.poses import Poses

log = logging.getLogger(__name__)

# From a video (a `ClipView`) to the people who were followed through it.
Detect = Callable[[Any], Sequence[Poses]]


@dataclass(frozen=True)
class LookJob:
    """Look at a whole video once; `records` is the folder to write into."""

    path: Path
    name: str
    digest: str
    records: Path
    scenes: ScenesConfig
    keep: KeepConfig


@dataclass(frozen=True)
class JudgeJob:
    """Decide about the frames `start` to `stop` of a video.

    Attributes:
        clip: its name.
        motion, brightness: of its samples, see `Look`.
        identity: of its video, for the record.
    """

    path: Path
    clip: str
    start: int
    stop: int
    motion: float
    brightness: float
    identity: dict[str, Any]
    records: Path
    keep: KeepConfig
    detect: Detect

    @property
    def num_frames(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class WriteJob:
    """Write the files of a clip; `start` and `stop` are frames of its video."""

    path: Path
    clip: str
    start: int
    stop: int
    target: Path
    crf: int

    @property
    def num_frames(self) -> int:
        return self.stop - self.start


@lru_cache(maxsize=1)
def reader_of(path: Path) -> VideoReader:
    """The reader of a video; a process keeps the last one, for the clips of a video follow.

    Raises:
        ClipError: it cannot be read.
    """
    return VideoReader(path)

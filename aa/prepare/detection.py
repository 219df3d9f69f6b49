"""The detector of people, as a function that other processes can be told of."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from aa.poses import Poses
from aa.prepare.jobs import Detect


def detector(name: str) -> Detect:
    """The function that finds people with the detector of that name, in one thread."""
    return partial(_detect, name)


def _detect(name: str, video: Any) -> Sequence[Poses]:
    from aa.poses.detect import detect_people  # deferred: loads networks

    return detect_people(video, detector=name, num_threads=1)

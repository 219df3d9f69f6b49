"""The detector of people, as a function that other processes can be told of."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from aa.errors import ClipError, UserError
from aa.poses import Poses
from aa.prepare.jobs import Detect


def detector(name: str) -> Detect:
    """The function that finds people with the detector of that name, in one thread.

    Raises:
        UserError: one of its files or packages is missing.
    """
    from aa.poses.detectors.choice import open_detector  # deferred: loads networks

    open_detector(name, num_threads=1)
    return partial(_detect, name)


def _detect(name: str, video: Any) -> Sequence[Poses]:
    from aa.poses.detect import detect_people  # deferred, as above

    try:
        return detect_people(video, detector=name, num_threads=1)
    except ClipError:
        raise
    except UserError:  # nobody is there: the detector itself has been opened before
        return []

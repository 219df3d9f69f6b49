"""Warn of pairs whose videos and poses look mixed up: nothing else would tell."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aa.data.poses import is_mostly_black
from aa.data.video import VideoReader
from aa.errors import ClipError, some

log = logging.getLogger(__name__)

LOOKED_AT = 3  # pairs, spread over the data set


def warn_of_mix_ups(clips: Sequence[Any]) -> None:
    """Log a line where pairs name one file twice, and one where videos look like poses.

    Args:
        clips: each a `Clip` that opens.
    """
    twice = [c.video for c in clips if os.path.realpath(c.video) == os.path.realpath(c.pose)]
    if twice:
        log.warning(
            "%d of %d pairs name one file twice, as video and as poses: %s",
            len(twice),
            len(clips),
            some(twice),
        )
    looked_at = [clips[i * len(clips) // LOOKED_AT] for i in range(min(LOOKED_AT, len(clips)))]
    swapped = [clip for clip in looked_at if looks_swapped(clip)]
    if 2 * len(swapped) > len(looked_at):
        log.warning(
            "videos and poses look swapped: in %d of the %d pairs looked at the video is mostly "
            "black and its pose video is not, as in %s with %s; pose videos are skeletons on black",
            len(swapped),
            len(looked_at),
            swapped[0].video,
            swapped[0].pose,
        )


def looks_swapped(clip: Any) -> bool:
    """Return whether a clip's video is mostly black in its middle frame, and its poses are not."""
    try:
        return _mostly_black(clip.video) and not _mostly_black(clip.pose)
    except ClipError:  # whoever needs that frame will report it
        return False


def _mostly_black(path: str | Path) -> bool:
    reader = VideoReader(path)
    middle = reader.num_frames // 2  # the first may be black before a fade
    return is_mostly_black(reader.read([middle])[0])

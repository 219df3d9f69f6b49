"""Clips that are held out of training, the same ones for every run on a data set."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from aa.data.manifest import Clip
from aa.errors import UserError


def hold_out(
    clips: Sequence[Clip], number: int, *, root: str | Path
) -> tuple[list[Clip], list[Clip]]:
    """Split clips into (those to train on, those held out), the first in their order.

    Held out are the videos whose paths relative to the data root have the smallest SHA-256: that
    depends on nothing but their names, and a clip that is added moves one out at most. A video
    that is listed several times is held out everywhere, and validated once.

    Args:
        clips: all of the data set.
        number: how many videos to hold out.
        root: the folder that the data set lies in.

    Raises:
        UserError: none would be left to train on.
    """
    if not number:
        return list(clips), []
    videos = {}  # each file, and the first clip of it
    for clip in sorted(clips, key=lambda clip: (_rank(clip, root), clip.pose)):
        videos.setdefault(os.path.realpath(clip.video), clip)
    if number >= len(videos):
        raise UserError(
            f"validation.num_clips={number} holds out too many: the data set has {len(videos)} "
            f"videos, and one must be left to train on; use at most {len(videos) - 1}."
        )
    held_out = dict(list(videos.items())[:number])
    rest = [clip for clip in clips if os.path.realpath(clip.video) not in held_out]
    return rest, list(held_out.values())


def _rank(clip: Clip, root: str | Path) -> str:
    name = Path(os.path.relpath(clip.video, root)).as_posix()
    return sha256(os.fsencode(name)).hexdigest()

"""The clips that a manifest lists, and a check of every file of a data set."""

import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aa.data.data_files import DataFiles
from aa.data.json_items import list_items
from aa.errors import ClipError, UserError, reason, some
from aa.files import read_text

log = logging.getLogger(__name__)

MOST_BYTES = 256_000_000  # a million clips
MOST_OTHER = 1000  # characters that are read of what is no list
KEYS = ("video_path", "kps_path")
MANIFEST_FORM = '[{"video_path": "video/00001.mp4", "kps_path": "video_dwpose/00001.mp4"}, ...]'


@dataclass(frozen=True)
class Clip:
    """A video and the video of its poses, frame by frame the same moments."""

    video: Path
    pose: Path


def read_manifest(path: str | os.PathLike, *, allow_outside: bool = False) -> list[Clip]:
    """The clips of a JSON manifest, a list of {"video_path", "kps_path"}.

    Relative paths are looked for in the data root (the folder that holds the manifest's folder),
    with or without its own name before them, then in the working directory, and may not lead out of
    it, be it by `..` or by a link, unless `allow_outside`. Absolute paths say plainly what they are
    and may lead anywhere.

    Raises:
        UserError: names what is missing, malformed or outside.
    """
    path = Path(path)
    names = read_names(path)
    root = path.resolve().parent.parent
    files = DataFiles(root)
    for name in names:
        files.add(name)
    _name_doubles(path, files.found)
    if files.outside and not allow_outside:
        raise UserError(
            f"{path}: {len(files.outside)} paths lead out of {root}, by .. or by a link: "
            f"{some(files.outside)}. Write absolute paths, or allow it with "
            "data.allow_outside=true."
        )
    if files.gone:
        raise UserError(
            f"{path}: {len(files.gone)} of {len(names)} files do not exist: {some(files.gone)}. "
            f"Paths are taken relative to {root}, then to the working directory."
        )
    return [Clip(Path(video), Path(pose)) for video, pose in _pairs(files.found)]


class Checked(NamedTuple):
    """Why a clip cannot be trained on, and what its user should know of it; None: nothing."""

    fault: str | None
    remark: str | None = None


def check_clips(
    clips: Sequence[Clip], *, min_frames: int, skip_bad: bool, progress: bool = True
) -> tuple[list[Clip], list[tuple[Clip, str]]]:
    """Open every pair and sort it into (good clips, [(bad clip, reason), ...]), both in order.

    A good clip's video and pose video decode at both ends and have the same number of frames, at
    least `min_frames`. With `skip_bad=False` one bad clip is a UserError; with none left it always
    is. Pairs that look mixed up, and poses of another shape, are warned about. `progress` shows a
    bar if the check takes more than two seconds.
    """
    from tqdm import tqdm

    from aa.data.swapped import warn_of_mix_ups

    workers = min(8, os.cpu_count() or 1)  # threads: decoding releases Python's lock
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda clip: check_clip(clip, min_frames=min_frames), clips)
        bar = tqdm(found, total=len(clips), desc="checking clips", delay=2, disable=not progress)
        try:
            checked = list(zip(clips, bar, strict=True))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever interrupts waits for no more
    good = [clip for clip, about in checked if about.fault is None]
    bad = [(clip, about.fault) for clip, about in checked if about.fault is not None]
    if not clips:
        raise UserError("there are no clips: the list is empty.")
    if bad and not (skip_bad and good):
        advice = "leave them out with data.skip_bad=true" if good else "none is left to train on"
        raise UserError(
            f"{len(bad)} of {len(clips)} clips cannot be used: {some(r for _, r in bad)} "
            f"Mend or replace them; {advice}."
        )
    warn_of_mix_ups(good)
    remarks = [about.remark for _, about in checked if about.remark is not None]
    if remarks:
        log.warning(
            "%d of %d clips: %s. Where they were cut or padded, extract their poses again.",
            len(remarks),
            len(clips),
            some(remarks),
        )
    return good, bad


def check_clip(clip: Clip, *, min_frames: int) -> Checked:
    """Open a clip and decode it at both ends."""
    from aa.data.video import is_stretched, open_pair

    try:
        video, pose = open_pair(clip.video, clip.pose)
        video.check_ends()
        pose.check_ends()
    except ClipError as error:
        return Checked(str(error))
    if video.note or pose.note:
        log.info("%s: %s", clip.video, video.note or f"of its pose video, {pose.note}")
    if video.num_frames != pose.num_frames:
        return Checked(
            f"{clip.video}: has {video.num_frames} frames, its pose video {clip.pose} "
            f"{pose.num_frames}. Extract the poses again."
        )
    if video.num_frames < min_frames:
        needed = f"at least {min_frames} are needed."
        return Checked(f"{clip.video}: has {video.num_frames} frames, {needed}")
    if is_stretched(video, pose):
        sizes = f"{video.width}x{video.height}, its pose video {pose.width}x{pose.height}"
        return Checked(None, f"{clip.video}: frames of {sizes}: skeletons are stretched over them")
    return Checked(None)


def read_names(path: Path) -> list[str]:
    """The paths of a manifest, a video and its poses in turn, as they are written."""
    advice = f"Set data.manifest to a JSON list {MANIFEST_FORM}."
    text, names = read_text(path, most=MOST_BYTES, advice=advice), []
    try:
        if not text.lstrip().startswith("["):
            kind = type(json.loads(text[:MOST_OTHER])).__name__
            raise UserError(f"{path}: holds a {kind}, wanted a list {MANIFEST_FORM}.")
        for number, (start, item) in enumerate(list_items(text)):
            found = [item.get(key) for key in KEYS] if isinstance(item, dict) else []
            if not found or not all(map(is_path, found)):
                raise UserError(
                    f"{path}: item {number} is {start}, wanted an object with the keys "
                    "video_path and kps_path, both paths."
                )
            names += found
    except UserError:
        raise
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}). {advice}"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, 1000 brackets
        raise UserError(f"{path}: not readable as JSON ({reason(error)}). {advice}") from error
    if not names:
        raise UserError(f"{path}: is an empty list, so there is nothing to train on.")
    return names


def is_path(value: object) -> bool:
    """Return whether a file could have this name: JSON has zero bytes and halves of characters."""
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _pairs(items):
    return zip(items[::2], items[1::2], strict=True)


def _name_doubles(path, files):
    """Some repeat a clip so that it trains more often; others did not mean to."""
    repeats = [pair for pair, times in Counter(_pairs(files)).items() if times > 1]
    if repeats:
        listed = some(video for video, _ in repeats)
        log.warning("%s: %d clips are listed more than once: %s", path, len(repeats), listed)

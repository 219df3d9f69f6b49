"""A user's own clips: which videos of a folder go with which pose videos."""

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from aa.data.manifest import Clip
from aa.errors import UserError, some
from aa.files import VIDEO_ENDINGS

log = logging.getLogger(__name__)

VIDEOS, POSES = "video", "video_dwpose"
# Parts that two names share: the whole, or all but the ending's case, or all but the ending
ALIKE: tuple[Callable[[PurePosixPath], object], ...] = (
    lambda name: name,
    lambda name: name.with_suffix(name.suffix.lower()),
    lambda name: name.with_suffix(""),
)


def find_clips(folder: str | Path) -> list[Clip]:
    """The clips of `pair_clips`; what lies beside them is counted and named in the log."""
    clips, left_out = pair_clips(folder)
    if left_out:
        log.info("%s: %d files are left out: %s", folder, len(left_out), some(left_out))
    return clips


def pair_clips(folder: str | Path) -> tuple[list[Clip], list[str]]:
    """A user's own clips: every video below `video/` with the pose video below `video_dwpose/`.

    Partners have the same path below these folders. Their endings may differ; where several could
    be meant, one of the same ending is.

    Returns:
        the clips in the order of their paths, and what is no visible video, with reasons.

    Raises:
        UserError: the folders are missing or empty, a file has no partner, or several.
    """
    clips, alone, left_out = match_clips(folder)
    if alone:
        raise UserError(
            f"{folder}: {len(alone)} files have no partner of the same name in the other "
            f"folder: {some(sorted(alone))}. Extract the missing poses or remove the files."
        )
    return clips, left_out


def match_clips(folder: str | Path) -> tuple[list[Clip], list[Path], list[str]]:
    """As `pair_clips`; files without a partner are returned.

    Returns:
        the clips, the files without a partner, and what is no visible video, with reasons.

    Raises:
        UserError: the folders are missing or empty, or a file has several partners.
    """
    folder = Path(folder)
    parts = [folder / VIDEOS, folder / POSES]
    for part in parts:
        if not part.is_dir():
            raise UserError(
                f"{part}: no such folder. Put clips into {parts[0]} and their pose videos, "
                f"under the same names, into {parts[1]}."
            )
    (videos, beside), (poses, beside_poses) = map(find_videos, parts)
    left_out = [f"{VIDEOS}/{name}" for name in beside] + [
        f"{POSES}/{name}" for name in beside_poses
    ]
    if not videos and not poses:
        ignored = f" (left out: {some(left_out)})" if left_out else ""
        raise UserError(
            f"{parts[0]}: holds no video{ignored}; wanted files ending in "
            f"{', '.join(VIDEO_ENDINGS)}. Put clips there and poses into {parts[1]}."
        )
    pairs, rest = _pair(videos, poses, folder)
    alone = [part / name for part, names in zip(parts, rest, strict=True) for name in names]
    return [Clip(parts[0] / video, parts[1] / pose) for video, pose in pairs], alone, left_out


def find_videos(part: Path) -> tuple[list[PurePosixPath], list[str]]:
    """Paths of the videos below a folder, and what else is there, with reasons; both sorted.

    Paths are relative to the folder, and its folders are searched too, hidden ones are not.
    """
    videos, others = [], []
    for path in _walk(part):
        if path.name.startswith("."):
            others.append(f"{path} (hidden)")
        elif path.suffix.lower() in VIDEO_ENDINGS:
            videos.append(path)
        else:
            others.append(f"{path} (no video)")
    return sorted(videos, key=str), sorted(others)


def _walk(part: Path) -> Iterator[PurePosixPath]:
    """Yield the files below a folder and its hidden folders, as relative paths.

    Links are followed, a folder that they lead to a second time is not.
    """
    seen = {os.path.realpath(part)}
    for home, folders, files in os.walk(part, followlinks=True):
        hidden = [name for name in folders if name.startswith(".")]
        for name in (*hidden, *files):
            yield PurePosixPath(Path(home, name).relative_to(part).as_posix())
        inside = {n: os.path.realpath(Path(home, n)) for n in sorted(set(folders) - set(hidden))}
        folders[:] = [name for name, real in inside.items() if real not in seen]
        seen.update(inside.values())


def _pair(videos, poses, folder):
    """(video, pose video) pairs in order, and those of each side that are left.

    Raises:
        UserError: a video could go with several pose videos, or a pose video with several videos.
    """
    pairs, rest = [], (set(videos), set(poses))
    for alike in ALIKE:
        groups = defaultdict(lambda: ([], []))
        for side, names in enumerate(rest):
            for name in names:
                groups[alike(name)][side].append(name)
        matched = [(v, p) for v, p in groups.values() if len(v) == len(p) == 1]
        pairs += [(video, pose) for (video,), (pose,) in matched]
        rest = [names - {pair[side] for pair in pairs} for side, names in enumerate(rest)]
    several = [group for group in groups.values() if all(group) and len(group[0] + group[1]) > 2]
    if several:
        raise UserError(
            f"{folder}: which video goes with which poses is not clear for "
            f"{some(sorted(f'{_named(VIDEOS, v)} with {_named(POSES, p)}' for v, p in several))}. "
            "Give the two of a pair the same name, ending included."
        )
    return sorted(pairs, key=lambda pair: str(pair[0])), rest


def _named(part: str, names: list[PurePosixPath]) -> str:
    return " and ".join(f"{part}/{name}" for name in sorted(names))

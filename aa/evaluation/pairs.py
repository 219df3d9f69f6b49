"""Pairs of generated and true videos: by file name, each with exactly one partner."""

from dataclasses import dataclass
from pathlib import Path

from aa.data.case_names import BESIDE
from aa.errors import UserError, some
from aa.files import VIDEO_ENDINGS
from aa.runs.kinds import Summary
from aa.runs.layout import SUMMARY
from aa.runs.reading import read_record


@dataclass(frozen=True)
class Pair:
    """One generated video, the true one, and the video of its masks if there are masks."""

    name: str
    generated: Path
    truth: Path
    mask: Path | None = None


def find_pairs(
    generated: str | Path, truth: str | Path, masks: str | Path | None = None
) -> list[Pair]:
    """Pairs by file name without ending, sorted; or one pair of whatever names, of single files.

    `generated` may be the folder of an inference run: its videos are then paired by the names of
    their pose videos, and side-by-sides are left aside.

    Args:
        generated, truth, masks: folders, or all of them files; `masks` may be None.

    Raises:
        UserError: names the first videos without a partner, or a folder without videos.
    """
    paths = {"generated": Path(generated), "truth": Path(truth)}
    if masks:
        paths["masks"] = Path(masks)
    files = [key for key, path in paths.items() if path.is_file()]
    if len(files) == len(paths):
        return [Pair(paths["generated"].stem, *paths.values())]
    if files:
        raise UserError(
            f"{', '.join(paths)}: wanted all of them folders or all of them videos; "
            f"{' and '.join(files)} is a file."
        )
    videos = {key: _videos(key, path) for key, path in paths.items()}
    _check_partners(paths, videos)
    names = sorted(videos["truth"])
    return [Pair(name, *(found[name] for found in videos.values())) for name in names]


def _check_partners(paths: dict[str, Path], videos: dict[str, dict[str, Path]]) -> None:
    """Check that every name of one folder is in all the others."""
    names = sorted(set().union(*videos.values()))
    alone = []
    for name in names:
        lacking = [key for key, found in videos.items() if name not in found]
        if lacking:
            there = next(found[name] for found in videos.values() if name in found)
            alone.append(f"{there} has no partner in {' and in '.join(lacking)}")
    if alone:
        raise UserError(
            f"{len(alone)} of {len(names)} names: {some(alone)}. Wanted videos of the same names "
            f"in {' and '.join(f'{key}={path}' for key, path in paths.items())}."
        )


def _videos(key: str, folder: Path) -> dict[str, Path]:
    """{name: video} of a folder."""
    found = _results(folder) or [(path.stem, path) for path in sorted(_files(folder))]
    if not found:
        raise UserError(
            f"{key}={folder}: holds no video; wanted files ending in {', '.join(VIDEO_ENDINGS)}."
        )
    videos = {}
    for name, path in found:
        if name in videos:
            raise UserError(
                f"{key}={folder}: {videos[name].name} and {path.name} would both be measured as "
                f"{name}; move one of them away."
            )
        videos[name] = path
    return videos


def _files(folder: Path) -> list[Path]:
    """Videos of a folder; a side-by-side is none where the video itself is there too."""
    files = [p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in VIDEO_ENDINGS]
    files = [p for p in files if not p.name.startswith(".")]
    stems = {p.stem for p in files}
    return [
        p for p in files if not (p.stem.endswith(BESIDE) and p.stem.removesuffix(BESIDE) in stems)
    ]


def _results(folder: Path) -> list[tuple[str, Path]]:
    """(name of the pose video, video) of a finished inference run; of another folder, none."""
    try:
        videos = read_record(folder, SUMMARY, Summary).get("videos", [])
    except (OSError, UserError):  # another tool's file
        return []
    known = [video for video in videos if "pose" in video and "video" in video]
    results = [(Path(video["pose"]).stem, Path(video["video"]).name) for video in known]
    missing = [name for _, name in results if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder}: summary.json names {some(missing)}, no such file; restore what the run "
            "wrote, or remove summary.json to pair by the videos' own names. "
            "(Only mp4 results can be measured.)"
        )
    return [(pose, folder / name) for pose, name in results]

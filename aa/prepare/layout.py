"""The names of files in a data set that is made, and the settings that it is made with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aa.config.convert import to_dict
from aa.config.prepare import PrepareConfig
from aa.data.folders import POSES, VIDEOS
from aa.errors import UserError, some
from aa.files import write_json
from aa.poses.parts import KEYPOINTS
from aa.runs.differences import flat
from aa.runs.reading import read_json

VERSION = 1  # raised when the same settings give other clips
MANIFESTS, RECORDS = "meta_data", ".prepare"
OWN = {VIDEOS, POSES, KEYPOINTS, MANIFESTS, RECORDS, "report.html", "report.json"}
# Keys that do not decide what the data set holds.
NOT_DECISIVE = ("target", "check", "processes", "engine", "ray_address", "rerun", "sweep", "name")


@dataclass(frozen=True)
class Target:
    """The folder of a data set."""

    folder: Path

    @property
    def records(self) -> Path:
        return self.folder / RECORDS

    def manifest(self, split: str) -> Path:
        """The list of the clips of "train" or "validation"."""
        return self.folder / MANIFESTS / f"{split}_meta.json"

    def video(self, clip: str) -> Path:
        return self.folder / VIDEOS / f"{clip}.mp4"

    def pose(self, clip: str) -> Path:
        return self.folder / POSES / f"{clip}.mp4"

    def keypoints(self, clip: str) -> Path:
        return self.folder / KEYPOINTS / f"{clip}.npz"

    def files(self, clip: str) -> tuple[Path, Path, Path]:
        """The files of a clip, in the order in which they are written."""
        return self.keypoints(clip), self.pose(clip), self.video(clip)

    def record(self, name: str, ending: str = "json") -> Path:
        """A record of a source (its digest) or of a clip."""
        return self.records / f"{name}.{ending}"


def begin(config: PrepareConfig) -> Target:
    """Make the folder of a data set, or go on with one of the same settings.

    Raises:
        UserError: it holds something else, or was made with other settings.
    """
    target = Target(Path(str(config.target)))
    file = target.record("settings")
    settings = settings_of(config)
    if file.is_file():
        _refuse_others(target, read_json(file), settings)
    else:
        _refuse_foreign(target.folder)
        target.records.mkdir(parents=True, exist_ok=True)
        write_json(file, settings)
    return target


def settings_of(config: PrepareConfig) -> dict[str, Any]:
    """What decides a data set: dotted keys and values."""
    values = to_dict(config)
    for key in NOT_DECISIVE:
        values.pop(key)
    values["source"] = str(Path(str(config.source)).resolve())
    return {"version": VERSION, **flat(values)}


def _refuse_others(target: Target, before: Any, now: dict[str, Any]) -> None:
    before = before if isinstance(before, dict) else {}
    changed = [
        f"{key}={json.dumps(before.get(key))} then, {json.dumps(now.get(key))} now"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
    if changed:
        raise UserError(
            f"target={target.folder}: was made with other settings: {some(changed)}. Use those, "
            "or another target=<folder>."
        )


def _refuse_foreign(folder: Path) -> None:
    others = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if others or (folder.exists() and not folder.is_dir()):
        what = f"holds {some(others)}" if others else "is no folder"
        raise UserError(
            f"target={folder}: {what}, and not what this command has made. Name a new or an empty "
            "folder."
        )

"""Pictures and videos of a run, as its records name them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from aa.app.places import is_text
from aa.errors import UserError
from aa.files import NoPlainFileError, read_inside
from aa.inference.driving import OVERLAY, POSES
from aa.runs.kinds import MadeVideo
from aa.runs.layout import CASES, STAGES, checkpoint_step
from aa.runs.reading import typed_record

MOST_BYTES, MOST_RESULTS = 8_000_000, 200  # of cases.jsonl, of the results that are shown
SHOWN = (".mp4", ".gif", ".png", ".webp")
MOVING = (".mp4",)


@dataclass(frozen=True)
class Result:
    """A video that a run has made; paths as they were given, or None of what is gone.

    Attributes:
        name: of the case.
        video, beside: the result, and side by side with what it came from.
        reference, pose: what it came from; `driving`: the pose is a raw video.
        overlay: its pose over the picture.
        about: its size, rate and time in words.
        seconds: that it took.
        pixels: of all its frames.
    """

    name: str
    video: Path
    beside: Path
    reference: str
    pose: str
    driving: bool
    overlay: Path | None
    about: str
    seconds: float
    pixels: int

    @property
    def moves(self) -> bool:
        """Return whether the result is a video, not a picture."""
        return self.video.suffix in MOVING


def results_of(folder: Path) -> list[Result]:
    """The videos of an animation so far; what is damaged is left out."""
    try:
        lines = read_inside(folder, CASES, most=MOST_BYTES).splitlines()[:MOST_RESULTS]
    except (OSError, UserError, NoPlainFileError):
        return []
    found = {}
    for line in lines:
        try:
            record = typed_record(json.loads(line), MadeVideo)
        except (ValueError, RecursionError):
            continue
        found[record["name"]] = _result(folder, record)
    return [result for result in found.values() if result.video.is_file() and _has_texts(result)]


def _has_texts(result: Result) -> bool:
    """Return whether addresses lead to the files of a result."""
    return all(map(is_text, (result.name, result.video, result.beside)))


def _result(folder: Path, record: MadeVideo) -> Result:
    made, name = record["result"], record["name"]
    overlay = folder / POSES / f"{os.path.basename(name)}{OVERLAY}"
    seconds = made.get("seconds", 0.0)
    about = f"{made.get('frames', 0)} frames of {made.get('width', 0)}x{made.get('height', 0)}"
    return Result(
        name=name,
        video=folder / Path(made["video"]).name,
        beside=folder / Path(made["side_by_side"]).name,
        reference=made.get("reference", ""),
        pose=made.get("pose", ""),
        driving=made.get("driving", False),
        overlay=overlay if overlay.is_file() else None,
        about=f"{about}, {made.get('fps', 0):g} a second, made in {seconds:.1f} s",
        seconds=seconds,
        pixels=made.get("frames", 0) * made.get("width", 0) * made.get("height", 0),
    )


@dataclass(frozen=True)
class Sample:
    """The samples of a training at a step; `stage` is "" where it has one."""

    stage: str
    step: int
    files: list[Path]

    @property
    def title(self) -> str:
        """The step in words."""
        return f"{self.stage} step {self.step}".strip().replace("stage", "stage ")


def samples_of(folder: Path) -> list[Sample]:
    """The samples of a training, the last first."""
    found = []
    for stage in ("", *STAGES):
        for place in (folder / stage / "samples").glob("step-*"):
            step = checkpoint_step(place)
            if step is not None and place.is_dir() and not place.is_symlink():
                files = [p for p in place.iterdir() if p.suffix in SHOWN and p.is_file()]
                found.append(Sample(stage, step, sorted(filter(is_text, files))))
    return sorted(found, key=lambda s: (s.stage, s.step), reverse=True)

"""A video is looked at: readable or not, its scenes, and what its samples say."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from aa.data.video import VideoReader
from aa.errors import ClipError
from aa.files import replacing, write_json
from aa.prepare.jobs import LookJob
from aa.prepare.scenes import Look, look_at
from aa.prepare.sources import Source
from aa.prepare.verdicts import Verdict
from aa.runs.reading import read_json

RATES = (1.0, 240.0)  # frames per second of what is a video of somebody who moves


def look(job: LookJob) -> dict[str, Any]:
    """Look at a video, write its record, and return it."""
    record: dict[str, Any] = {"source": job.name, "identity": None, "verdict": None}
    try:
        record["identity"] = Source(job.path, job.name).identity()
        reader = VideoReader(job.path)
        about = {"frames": reader.num_frames, "fps": reader.fps, "note": reader.note}
        record |= {**about, "height": reader.height, "width": reader.width, "cuts": []}
        verdict = _fault(reader, job)
        if verdict is None:
            found = look_at(reader, job.scenes)
            _write_samples(job.records / f"{job.digest}.npz", found)
            record["cuts"] = found.cuts
    except ClipError as error:
        verdict = Verdict("unreadable", detail=without_path(error, job.path))
    except OSError as error:
        if record["identity"]:
            raise  # of what is written
        verdict = Verdict("unreadable", detail=f"cannot be read ({error.strerror})")
    record["verdict"] = verdict and verdict.as_dict()
    write_json(job.records / f"{job.digest}.json", record)
    return record


def _fault(reader: VideoReader, job: LookJob) -> Verdict | None:
    side, pixels = min(reader.height, reader.width), reader.height * reader.width
    if not RATES[0] <= reader.fps <= RATES[1]:
        rate = f"has {reader.fps:g} frames per second, {RATES[0]:g} to {RATES[1]:g} are expected"
        return Verdict("unreadable", detail=rate)
    if side < job.keep.min_side:
        return Verdict("too_small", float(side), float(job.keep.min_side))
    if pixels > job.keep.max_pixels:
        return Verdict("too_large", float(pixels), float(job.keep.max_pixels))
    return None


def without_path(error: Exception, path: Path) -> str:
    """What an error says of a file, without the name that the report shows anyway."""
    return str(error).removeprefix(f"{path}: ").rstrip(".")


def read_look(records: Path, digest: str) -> tuple[dict[str, Any], Look | None] | None:
    """The record of a source and what its samples say; None where it is missing or no record."""
    try:
        record: Any = read_json(records / f"{digest}.json")
        if record["verdict"]:
            return record, None
        with np.load(records / f"{digest}.npz", allow_pickle=False) as arrays:
            names = ("frames", "thumbs", "motion", "brightness")
            return record, Look(record["cuts"], *(arrays[name] for name in names))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_samples(path: Path, found: Look) -> None:
    file = io.BytesIO()
    arrays: dict[str, Any] = {
        "frames": found.frames,
        "thumbs": found.thumbs,
        "motion": found.motion,
        "brightness": found.brightness,
    }
    np.savez_compressed(file, **arrays)
    with replacing(path) as out:
        out.write(file.getvalue())

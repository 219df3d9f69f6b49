"""A clip is judged: by its samples, then by the person that is found in it."""

from typing import Any

import numpy as np

from aa.files import replacing, write_json
from aa.poses import Poses, clean_poses
from aa.prepare.jobs import JudgeJob, reader_of
from aa.prepare.people import Track, choose, overlap, track
from aa.prepare.pictures import FRAMES_OF_STRIP, sharpness, strip
from aa.prepare.verdicts import Verdict, first_below
from aa.prepare.views import ClipView, spread
from aa.runs.reading import read_json

LOOKED_AT = 12  # frames that sharpness is measured in


def judge(job: JudgeJob) -> dict[str, Any]:
    """Decide about a clip; write its poses if it is kept, a strip of it and its record.

    Returns:
        the record; `start` and `stop` are the frames of the video that are kept.

    Raises:
        ClipError: the video cannot be read, which it could be when it was looked at.
    """
    record: dict[str, Any] = {"clip": job.clip, "identity": job.identity}
    record |= {"start": job.start, "stop": job.stop}
    view = ClipView(reader_of(job.path), job.start, job.stop)
    verdict, person, poses, view = _decide(job, view)
    shown = spread(view.num_frames, FRAMES_OF_STRIP)
    poses = poses or (person and person.poses)
    picture = strip(view.read(shown), _at(poses, shown) if poses else None)
    if verdict.reason == "kept":
        assert poses is not None
        poses.save(job.records / f"{job.clip}.npz")
        record |= {"start": view.start, "stop": view.start + view.num_frames}
    with replacing(job.records / f"{job.clip}.jpg") as file:
        file.write(picture)
    record["verdict"] = verdict.as_dict()
    write_json(job.records / f"{job.clip}.json", record)
    return record


def read_judgement(job: JudgeJob) -> dict[str, Any] | None:
    """The record of a clip; None where it is missing, no record, or of a file that was changed."""
    try:
        record: Any = read_json(job.records / f"{job.clip}.json")
        Verdict.from_dict(record["verdict"])
        same = record["identity"] == job.identity and record["clip"] == job.clip
        return record if same and job.start <= record["start"] < record["stop"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def early(job: JudgeJob) -> Verdict | None:
    """The verdict of a clip that nobody needs to be looked for in, or None."""
    keep = job.keep
    return first_below(
        ("too_short", job.num_frames, keep.min_frames),
        ("dark", job.brightness, keep.min_brightness),
        ("static", job.motion, keep.min_motion),
    )


def _decide(job: JudgeJob, view: ClipView) -> tuple[Verdict, Track | None, Poses | None, ClipView]:
    """The verdict, the person as it was found and cleaned, and the part of the clip with it."""
    verdict = early(job)
    if verdict:
        return verdict, None, None, view
    keep = job.keep
    person, others = choose(job.detect(view), min_joints=keep.min_joints)
    if person is None:
        return Verdict("no_person", 0.0, float(keep.min_joints)), None, None, view
    start, stop = person.span
    view, person = view.part(start, stop), person.part(start, stop)
    others = [other.part(start, stop) for other in others]
    cleaned = track(clean_poses(person.poses)[0], min_joints=keep.min_joints)
    verdict = first_below(
        ("briefly_seen", view.num_frames, keep.min_frames),
        ("rarely_seen", cleaned.present.mean(), keep.min_seen),
        ("small_person", person.height, keep.min_height),
        ("unsure", person.score, keep.min_score),
    ) or _looked_at(job, view, person, others)
    return verdict or Verdict("kept"), person, cleaned.poses, view


def _looked_at(job: JudgeJob, view: ClipView, person: Track, others: list[Track]) -> Verdict | None:
    """The verdict by who else is there, and by the pictures themselves."""
    keep = job.keep
    covered = overlap(person, others, similar=keep.similar_person)
    if covered > keep.max_overlap:
        return Verdict("crossing", covered, keep.max_overlap)
    numbers = spread(view.num_frames, LOOKED_AT)
    sharp = sharpness(view.read(numbers), person, numbers)
    return first_below(("blurred", sharp, keep.min_sharpness))


def _at(poses: Poses, numbers: list[int]) -> Poses:
    """The poses of single frames."""
    return poses.with_points(poses.points[np.array(numbers)], poses.scores[np.array(numbers)])

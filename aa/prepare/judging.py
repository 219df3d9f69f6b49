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
        the record; `start` and `stop` are the frames of the video that are kept, `measures` what
        was measured, whatever the verdict is.

    Raises:
        ClipError: the video cannot be read, which it could be when it was looked at.
    """
    judging = Judging(job)
    verdict, view = judging.verdict(), judging.view
    record = {"clip": job.clip, "identity": job.identity, "start": job.start, "stop": job.stop}
    if verdict.reason == "kept":
        assert judging.poses is not None
        judging.poses.save(job.records / f"{job.clip}.npz")
        record |= {"start": view.start, "stop": view.start + view.num_frames}
    with replacing(job.records / f"{job.clip}.jpg") as file:
        file.write(judging.picture())
    measures = {name: round(float(value), 4) for name, value in judging.measures.items()}
    record |= {"measures": measures, "verdict": verdict.as_dict()}
    write_json(job.records / f"{job.clip}.json", record)
    return record


def read_judgement(job: JudgeJob) -> dict[str, Any] | None:
    """The record of a clip; None where it is missing, no record, or of a file that was changed."""
    try:
        record: Any = read_json(job.records / f"{job.clip}.json")
        Verdict.from_dict(record["verdict"])
        same = record["identity"] == job.identity and record["clip"] == job.clip
        same = same and isinstance(record["measures"], dict)
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


class Judging:
    """A clip while it is judged.

    Attributes:
        view: the clip; once a person is found, from its first to its last frame.
        person: as it was found in these frames, or None.
        poses: of it, cleaned.
        measures: by what they are of.
    """

    def __init__(self, job: JudgeJob) -> None:
        self.job, self.keep = job, job.keep
        self.view = ClipView(reader_of(job.path), job.start, job.stop)
        self.person: Track | None = None
        self.poses: Poses | None = None
        self.measures: dict[str, float] = {"brightness": job.brightness, "motion": job.motion}

    def verdict(self) -> Verdict:
        """Decide; what is measured on the way is kept."""
        verdict = early(self.job)
        if verdict:
            return verdict
        person, others = choose(self.job.detect(self.view), min_joints=self.keep.min_joints)
        if person is None:
            return Verdict("no_person", 0.0, float(self.keep.min_joints))
        start, stop = person.span
        self.view, self.person = self.view.part(start, stop), person.part(start, stop)
        others = [other.part(start, stop) for other in others]
        return self._of_person(self.person) or self._of_pictures(self.person, others)

    def _of_person(self, person: Track) -> Verdict | None:
        keep, measures = self.keep, self.measures
        cleaned = track(clean_poses(person.poses)[0], min_joints=keep.min_joints)
        self.poses = cleaned.poses
        measures |= {"seen": float(cleaned.present.mean())}
        measures |= {"height": person.height, "score": person.score}
        return first_below(
            ("briefly_seen", self.view.num_frames, keep.min_frames),
            ("rarely_seen", measures["seen"], keep.min_seen),
            ("small_person", measures["height"], keep.min_height),
            ("unsure", measures["score"], keep.min_score),
        )

    def _of_pictures(self, person: Track, others: list[Track]) -> Verdict:
        """The verdict by who else is there, and by the pictures themselves."""
        keep, measures = self.keep, self.measures
        measures["overlap"] = overlap(person, others, similar=keep.similar_person)
        if measures["overlap"] > keep.max_overlap:
            return Verdict("crossing", measures["overlap"], keep.max_overlap)
        numbers = spread(self.view.num_frames, LOOKED_AT)
        measures["sharpness"] = sharpness(self.view.read(numbers), person, numbers)
        blurred = first_below(("blurred", measures["sharpness"], keep.min_sharpness))
        return blurred or Verdict("kept")

    def picture(self) -> bytes:
        """Frames of the clip side by side, with the skeleton where somebody was found."""
        shown = np.array(spread(self.view.num_frames, FRAMES_OF_STRIP))
        poses = self.poses
        if poses is not None:
            poses = poses.with_points(poses.points[shown], poses.scores[shown])
        return strip(self.view.read(shown), poses)

"""A clip of a data set is examined: as training would, and then every frame of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aa.data.manifest import Clip, check_clip
from aa.data.poses import DARK, is_mostly_black
from aa.data.video import VideoReader, is_stretched, open_pair
from aa.errors import ClipError, UserError
from aa.poses import Poses
from aa.prepare.findings import Finding
from aa.prepare.looking import without_path
from aa.prepare.pictures import FRAMES_OF_STRIP, strip
from aa.prepare.scenes import Samples
from aa.prepare.views import batches, spread

RATE = 0.01  # share of a rate that two may differ by


@dataclass(frozen=True)
class CheckJob:
    """Examine a clip; `keypoints` is a file that should fit it, or None."""

    video: Path
    pose: Path
    keypoints: Path | None
    min_frames: int
    min_seen: float


def examine(job: CheckJob) -> dict[str, Any]:
    """Examine a clip.

    Returns:
        `findings`; of a clip that can be read also `about` it as plain values, its `thumbs` (see
        `Look`) and a `picture` of it with its pose video laid over, as a JPEG.
    """
    fault = check_clip(Clip(job.video, job.pose), min_frames=job.min_frames).fault
    if fault:
        return {"findings": [Finding("left_out", without_path(ValueError(fault), job.video))]}
    try:
        return _read_whole(job)
    except ClipError as error:
        return {"findings": [Finding("undecodable", without_path(error, job.video))]}


def _read_whole(job: CheckJob) -> dict[str, Any]:
    """As `examine`, of a clip that can be opened.

    Raises:
        ClipError: a frame does not decode.
    """
    video, pose = open_pair(job.video, job.pose)
    samples = Samples(video.fps)
    for start, frames in batches(video):
        for number, frame in enumerate(frames, start):
            samples.add(number, frame)
    share = sum(_num_drawn(frames) for _, frames in batches(pose)) / pose.num_frames
    shown = spread(video.num_frames, FRAMES_OF_STRIP)
    pictures, skeletons = video.read(shown), pose.read(shown)
    about = {
        "frames": video.num_frames,
        "fps": round(video.fps, 3),
        "size": [video.height, video.width],
        "pose_size": [pose.height, pose.width],
        "pose_share": round(share, 4),
    }
    findings = [*_of_poses(share, job.min_seen), *_of_shapes(video, pose)]
    middle = len(shown) // 2
    if is_mostly_black(pictures[middle]) and not is_mostly_black(skeletons[middle]):
        findings.append(Finding("swapped", "the video is mostly black, its pose video is not"))
    findings += _of_keypoints(job.keypoints, video)
    picture = strip(pictures, drawn=skeletons)
    return {
        "findings": findings,
        "about": about,
        "thumbs": samples.arrays()[1],
        "picture": picture,
    }


def _num_drawn(frames: np.ndarray) -> int:
    """How many of these frames show anything."""
    return int((frames.max(axis=(1, 2, 3)) >= DARK).sum())


def _of_poses(share: float, least: float) -> list[Finding]:
    if share == 0:
        return [Finding("no_pose", "its pose video is black in every frame", 0.0)]
    if share < least:
        words = f"{share:.0%} of its frames have a pose, {least:.0%} or more are better"
        return [Finding("few_poses", words, round(share, 4), least)]
    return []


def _of_shapes(video: VideoReader, pose: VideoReader) -> list[Finding]:
    findings = []
    sizes = [f"{one.width}x{one.height}" for one in (video, pose)]
    if sizes[0] != sizes[1]:
        stretched = is_stretched(video, pose)
        what = ": skeletons are stretched" if stretched else ", of the same shape"
        words = f"frames of {sizes[0]}, its pose video {sizes[1]}{what}"
        findings.append(Finding("sizes", words))
    own_rate = VideoReader(pose.path).fps  # read beside its video, it has that one's
    if abs(own_rate / video.fps - 1) > RATE:
        words = f"{video.fps:.4g} frames per second, its pose video {own_rate:.4g}"
        findings.append(Finding("rates", words, own_rate, video.fps))
    return findings


def _of_keypoints(path: Path | None, video: VideoReader) -> list[Finding]:
    if path is None:
        return []
    try:
        poses = Poses.load(path)
    except UserError as error:
        return [Finding("keypoints", without_path(error, path))]
    found, wanted = (
        (len(poses), poses.height, poses.width),
        (
            video.num_frames,
            video.height,
            video.width,
        ),
    )
    if found != wanted:
        words = "keypoints are of {} frames of {}x{}, the video has {} of {}x{}"
        return [Finding("keypoints", words.format(*found, *wanted))]
    return []

"""Poses out of raw videos and pictures."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from aa.errors import UserError
from aa.files import VIDEO_ENDINGS
from aa.poses.cuts import CutFinder
from aa.poses.detectors.choice import DWPOSE_DETECTOR, DWPOSE_POSE, choose_detector, open_detector
from aa.poses.people import Following, choose_person
from aa.poses.poses import Poses

__all__ = ["choose_detector", "detect_people", "detect_pose", "detect_poses", "open_detector"]

BATCH = 8  # frames that are in memory at once


class Frames(Protocol):
    """Frames that are read when they are requested, such as `aa.data.video.VideoReader`."""

    num_frames: int
    fps: float

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """Frames as uint8 RGB [F, H, W, 3]."""
        ...


def detect_poses(
    video: str | os.PathLike | Frames,
    *,
    detector: str = "mediapipe",
    person: str | int = "largest",
    num_threads: int | None = None,
    progress: bool = False,
    dwpose_detector: str = DWPOSE_DETECTOR,
    dwpose_pose: str = DWPOSE_POSE,
) -> Poses:
    """Poses of one person in all frames of a video.

    Args:
        video: a path of a video or a picture, or frames that are read when they are requested.
        detector: see `choose_detector`.
        person: see `choose_person`.
        num_threads: of the processor; all that this process may use by default.
        progress: whether to show a bar.
        dwpose_detector, dwpose_pose: see `open_detector`.

    Raises:
        UserError: nobody is in any frame, the person is not there, or a file or package is missing.
        ClipError: a frame cannot be read.
    """
    people = detect_people(
        video,
        detector=detector,
        num_threads=num_threads,
        progress=progress,
        dwpose_detector=dwpose_detector,
        dwpose_pose=dwpose_pose,
    )
    return choose_person(people, person)


def detect_people(
    video: str | os.PathLike | Frames,
    *,
    detector: str = "mediapipe",
    num_threads: int | None = None,
    progress: bool = False,
    dwpose_detector: str = DWPOSE_DETECTOR,
    dwpose_pose: str = DWPOSE_POSE,
) -> list[Poses]:
    """Poses of everybody in all frames of a video, in the order in which they come, from the left;
    scores are 0 where somebody is not there. Arguments and errors as of `detect_poses`."""
    frames = _open(video) if isinstance(video, str | os.PathLike) else video
    files = {"dwpose_detector": dwpose_detector, "dwpose_pose": dwpose_pose}
    find = open_detector(detector, num_threads=num_threads, **files)
    following, is_cut = Following(frames.fps), CutFinder()
    for frame in _each(frames, progress=progress):
        cut = is_cut(frame)
        if cut:
            find.reset()
        following.add(find(frame), cut=cut)
    people = following.people(frames.height, frames.width)
    if not people:
        name = f"{video}: " if isinstance(video, str | os.PathLike) else ""
        raise UserError(
            f"{name}nobody was found in {_count(frames.num_frames)} of "
            f"{frames.width}x{frames.height}. Wanted: at least one person, mostly in view and not "
            "too small."
        )
    return people


def detect_pose(image: Image.Image | np.ndarray, **options) -> Poses:
    """Poses of one frame of one person in a picture, PIL or uint8 RGB [H, W, 3].

    Options and errors as of `detect_poses`.
    """
    return detect_poses(_Picture(image), **options)


class _Picture:
    """A picture as a video of one frame."""

    num_frames, fps = 1, 1.0

    def __init__(self, image: Image.Image | np.ndarray) -> None:
        self.frame = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
        self.height, self.width = self.frame.shape[:2]

    def read(self, indices: Iterable[int]) -> np.ndarray:
        return self.frame[None]


def _open(path: str | os.PathLike) -> Frames:
    if Path(path).suffix.lower() in VIDEO_ENDINGS:
        from aa.data.video import VideoReader  # deferred: who only draws needs no decoder

        return VideoReader(path)
    from aa.data.pictures import read_image

    return _Picture(read_image(path))


def _each(frames: Frames, *, progress: bool) -> Iterator[np.ndarray]:
    """Frames one by one, read a few at a time."""
    total = frames.num_frames
    with tqdm(total=total, desc="finding poses", unit="frame", disable=not progress) as bar:
        for start in range(0, total, BATCH):
            for frame in frames.read(range(start, min(start + BATCH, total))):
                yield frame
                bar.update()


def _count(frames: int) -> str:
    return "the picture" if frames == 1 else f"any of {frames} frames"

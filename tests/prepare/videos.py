"""Tiny raw videos of puppets, each with the truth beside it, and a detector that reads it.

MediaPipe takes no puppet for a person, so tests know by heart where everybody is.
"""

import functools
import json
import time
from pathlib import Path

import numpy as np

from aa.data.video import VideoWriter
from aa.poses import Poses
from aa.poses.skeleton import BODY, NUM_POINTS
from aa.puppets.clips import draw_character, draw_motion, keypoints, render_frame

HEIGHT, WIDTH, FPS = 96, 64, 24.0
NOBODY = np.zeros((NUM_POINTS, 3), "float32")
# Of `prepare`, for videos of this size.
SMALL = (
    "keep.min_side=32",
    "keep.min_frames=8",
    "keep.max_frames=60",
    "keep.min_sharpness=50",  # of a person of 80 pixels
)


@functools.cache
def puppet(seed, num_frames, *, height=HEIGHT, width=WIDTH, fps=FPS, start=0.0):
    """Frames uint8 [F, H, W, 3] of a puppet that moves, and its points [F, 128, 3]."""
    character, motion = draw_character(seed), draw_motion(seed)
    frames, points = [], np.zeros((num_frames, NUM_POINTS, 3), "float32")
    for number in range(num_frames):
        t = start + number / fps
        frames.append(render_frame(character, motion, t, height=height, width=width))
        points[number, BODY, :2] = keypoints(character, motion, t, height=height, width=width)
        points[number, BODY, 2] = 0.9
    return _shared(np.stack(frames)), _shared(points)


def _shared(array):
    array.flags.writeable = False
    return array


def save(path, frames, *people, fps=FPS, crf=12):
    """Write a video, and beside it who is where: points [F, 128, 3] of each person."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames.shape[1:3]
    with VideoWriter(path, fps=fps, height=height, width=width, crf=crf, hurry=True) as writer:
        writer.write(frames)
    if people:
        np.save(truth_of(path), np.stack(people))
    return path


def truth_of(path):
    return Path(f"{path}.npy")


def detect(video):
    """The people of a `ClipView`, from the truth beside its video."""
    path = truth_of(video.path)
    if not path.exists():
        return []
    part = slice(video.start, video.start + video.num_frames)
    size = (video.height, video.width)
    return [
        Poses(points[part, :, :2], points[part, :, 2], *size, video.fps) for points in np.load(path)
    ]


def detect_slowly(video):
    """As `detect`, with time to be killed in."""
    time.sleep(0.1)
    return detect(video)


def by_source(target):
    """{source: reasons of its clips, or of itself}."""
    rows, found = json.loads((Path(target) / "report.json").read_text())["rows"], {}
    for row in rows:
        found.setdefault(row["source"], []).append(row["reason"])
    return found

"""Where face and hands are in the frames of a training clip, from its stored keypoints."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from aa.data.manifest import Clip
from aa.data.transforms import fit_frames
from aa.errors import ClipError, UserError, some
from aa.poses.poses import Poses
from aa.poses.skeleton import (
    FACE,
    LEFT_EAR,
    LEFT_ELBOW,
    LEFT_EYE,
    LEFT_HAND,
    LEFT_WRIST,
    NOSE,
    RIGHT_EAR,
    RIGHT_ELBOW,
    RIGHT_EYE,
    RIGHT_HAND,
    RIGHT_WRIST,
)

KEYPOINTS = "keypoints"  # the folder beside video/, with an .npz of `Poses` for each video
HEAD = [NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR]
ARMS = ((RIGHT_HAND, RIGHT_ELBOW, RIGHT_WRIST), (LEFT_HAND, LEFT_ELBOW, LEFT_WRIST))
ROUND_HEAD, ROUND_HAND = 1.3, 1.2  # of the radius of their points: skin goes on beyond them
# Of a hand without points, in lengths of the forearm: how far beyond the wrist, and how large.
BEYOND, HAND = 0.2, 0.25


class PartMasks:
    """The share of face and hands in each place of the latents of a clip's frames.

    Args:
        size: (height, width) of a training item in pixels; clips are fitted by "pad".
        stride: pixels to a side of a latent.
    """

    def __init__(self, size: Sequence[int], stride: int) -> None:
        self.size, self.stride = tuple(size), stride

    def __call__(self, clip: Clip, frames: Sequence[int]) -> np.ndarray:
        """Masks float32 [1, F, h, w] in 0..1.

        Raises:
            ClipError: the keypoints are of fewer frames than the clip.
        """
        file = keypoints_file(clip)
        poses = _poses(file)
        if max(frames) >= len(poses):
            raise ClipError(f"{file}: has {len(poses)} frames, {clip.video} more.")
        drawn = np.stack([draw_parts(poses, frame) for frame in frames])
        fitted = fit_frames(np.repeat(drawn[..., None], 3, axis=3), self.size, fit="pad")[..., 0]
        height, width = (side // self.stride for side in self.size)
        places = fitted.reshape(len(fitted), height, self.stride, width, self.stride)
        return places.mean((2, 4), dtype=np.float32)[None] / np.float32(255)


def keypoints_file(clip: Clip) -> Path:
    """Where the keypoints of a clip are, video/a/b.mp4 in keypoints/a/b.npz."""
    parts = list(clip.video.parts)
    place = max((i for i, part in enumerate(parts[:-1]) if part == "video"), default=None)
    if place is None:
        return clip.video.with_suffix(".npz")
    parts[place] = KEYPOINTS
    return Path(*parts).with_suffix(".npz")


def check_keypoints(clips: Iterable[Clip]) -> None:
    """Check that all clips have keypoints.

    Raises:
        UserError: names those that have none.
    """
    lacking = [file for file in map(keypoints_file, clips) if not file.is_file()]
    if lacking:
        raise UserError(
            f"stage.part_weight needs the keypoints of every clip; {len(lacking)} are missing: "
            f"{some(lacking)}. `python runners/prepare.py` writes them; stage.part_weight=0 does "
            "without."
        )


def draw_parts(poses: Poses, frame: int) -> np.ndarray:
    """Face and hands of a frame as discs of 255 on 0: uint8 [H, W].

    A part's own points say where it is; without them eyes and ears, or the forearm.
    """
    import cv2

    points, seen = poses.points[frame].astype(float), poses.seen[frame]
    mask = np.zeros((poses.height, poses.width), np.uint8)
    discs = [_around(points, seen, FACE, ROUND_HEAD) or _around(points, seen, HEAD, ROUND_HEAD)]
    for hand, elbow, wrist in ARMS:
        disc = _around(points, seen, hand, ROUND_HAND)
        if disc is None and seen[elbow] and seen[wrist]:
            forearm = points[wrist] - points[elbow]
            disc = points[wrist] + BEYOND * forearm, HAND * float(np.hypot(*forearm))
        discs.append(disc)
    for centre, radius in filter(None, discs):
        if radius < max(mask.shape) and np.all(np.abs(centre) < 4 * max(mask.shape)):
            x, y = np.round(centre).astype(int).tolist()
            cv2.circle(mask, (x, y), max(1, round(radius)), (255,), -1)
    return mask


def _around(
    points: np.ndarray, seen: np.ndarray, part: slice | list[int], more: float
) -> tuple[np.ndarray, float] | None:
    """Centre and radius of a disc round the points that were seen; None for fewer than three."""
    found = points[part][seen[part]]
    if len(found) < 3:
        return None
    centre = found.mean(0)
    return centre, more * float(np.hypot(*(found - centre).T).max())


@lru_cache(maxsize=64)
def _poses(file: Path) -> Poses:
    return Poses.load(file)

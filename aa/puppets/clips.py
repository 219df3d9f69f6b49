"""A generated data set: puppets that move, with their pose videos, in the layout of ubcNbili.

Any character can be drawn in any motion, so the truth exists for every transfer between them.

H.264 halves the resolution of colour, so videos are drawn larger than they are used: fitted to
64x64, frames of 20 clips differ from their truth (drawn as large and fitted alike, but never
encoded) by 2.0 of 255 on average if drawn at 128x128, and by 4.3 if drawn at 64x64.
"""

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from aa.data.writers import VideoWriter
from aa.errors import UserError, some
from aa.poses.parts import KEYPOINTS
from aa.poses.poses import Poses
from aa.poses.skeleton import BODY, NUM_POINTS
from aa.puppets.drawing import PARTS, render_frame, render_parts, render_pose, render_room
from aa.puppets.figure import Character, Motion, draw_character, draw_motion, keypoints

__all__ = [
    "PARTS",
    "Character",
    "Motion",
    "clip_seeds",
    "draw_character",
    "draw_motion",
    "dressed",
    "keypoints",
    "make_puppets",
    "render_frame",
    "render_parts",
    "render_pose",
    "render_room",
]

DRAWING = 2  # raised when the images of a seed change, so that old folders are drawn anew
SPLITS = ("train", "validation", "test")
CRF = 12  # small images need more bits a pixel to keep their colours
OWN = {"video", "video_dwpose", KEYPOINTS, "meta_data", "puppets.json"}  # of their folder
CLIPS_A_PROCESS = 32  # fewer are drawn before another process has started


def make_puppets(
    folder: str | Path,
    *,
    num_clips: int,
    num_frames: int,
    height: int,
    width: int,
    fps: float,
    seed: int,
    figure: int | None = None,
    accessory: str = "none",
    keypoints: bool = False,
    progress: bool = True,
) -> Path:
    """Write `num_clips` clips of `num_frames` frames into `folder` and return its manifest's path.

    `folder/video/00000.mp4` has its poses in `folder/video_dwpose/00000.mp4`, and the joints in
    `folder/keypoints/00000.npz`, which a folder of an older version lacks unless `keypoints` are
    asked for.
    `folder/puppets.json` keeps the parameters. A whole folder of the same parameters is used as it
    is; one of others is replaced at once when the new one is complete. `dressed` says what `figure`
    and `accessory` are. Raises UserError if the folder holds something else or cannot be written.
    """
    folder = Path(folder)
    parameters = {
        "drawing": DRAWING,
        "num_clips": num_clips,
        "num_frames": num_frames,
        "height": height,
        "width": width,
        "fps": fps,
        "seed": seed,
    }
    parameters |= {"figure": figure} if figure is not None else {}
    parameters |= {"accessory": accessory} if accessory != "none" else {}
    if min(num_clips, num_frames) < 1:
        raise UserError(f"puppets need at least 1 clip and frame, got {num_clips}, {num_frames}.")
    if not _is_complete(folder, parameters, keypoints=keypoints):
        _refuse_foreign(folder)
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
        try:
            _write_all(temporary, parameters, progress=progress)
            _swap(temporary, folder, parameters, keypoints=keypoints)
        except OSError as error:
            raise UserError(f"{folder}: cannot be written ({error.strerror or error}).") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return _manifest(folder)


def clip_seeds(seed: int, number: int, *, split: str = "train") -> tuple[int, int]:
    """The (character, motion) seeds of a clip; no other split and no other data set has them.

    `seed` and `number` are whole numbers below 2**32, so every split has 2**64 separate seeds.
    """
    own = (SPLITS.index(split) * 2**32 + seed) * 2**32 + number
    return own, own


def dressed(seed: int, number: int, *, figure: int | None, accessory: str) -> Character:
    """Draw the character of a clip of a set.

    Args:
        seed: of the set.
        number: seed of the clip's own character.
        figure: all clips show this one of the test split instead, so that sets without a figure
            have it in no clip; None: each its own.
        accessory: what it wears besides, see `Character`.
    """
    if figure is not None:
        number, _ = clip_seeds(seed, figure, split="test")
    return replace(draw_character(number), accessory=accessory)


def _write_all(folder: Path, parameters: dict[str, Any], *, progress: bool) -> None:
    from tqdm import tqdm

    numbers = range(parameters["num_clips"])
    for name in ("video", "video_dwpose", KEYPOINTS, "meta_data"):
        (folder / name).mkdir(parents=True)
    with _mapper(len(numbers)) as draw:
        drawn = draw(partial(_write_clip, folder, parameters), numbers)
        bar = tqdm(drawn, "drawing puppets", len(numbers), delay=2, disable=not progress)
        items = [{"video_path": video, "kps_path": pose} for video, pose in bar]
    _manifest(folder).write_text(json.dumps(items, indent=1) + "\n")
    (folder / "puppets.json").write_text(json.dumps(parameters, indent=1) + "\n")


@contextmanager
def _mapper(num_clips: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """A `map` over all cores where there is enough to do; what it gives is in order."""
    workers = min(os.cpu_count() or 1, num_clips // CLIPS_A_PROCESS)
    if workers < 2:
        yield map
        return
    # Not forked: the threads of libraries that are loaded here would leave locks behind.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield pool.imap


def _write_clip(folder: Path, parameters: dict[str, Any], number: int) -> tuple[str, str]:
    """Draw clip `number` and return its paths in the folder."""
    size = {"height": parameters["height"], "width": parameters["width"]}
    fps, paths = parameters["fps"], _clip_paths(number)
    character_seed, motion_seed = clip_seeds(parameters["seed"], number)
    figure, accessory = parameters.get("figure"), parameters.get("accessory", "none")
    character = dressed(parameters["seed"], character_seed, figure=figure, accessory=accessory)
    motion = draw_motion(motion_seed)
    video, pose = (
        VideoWriter(folder / path, fps=fps, crf=CRF, hurry=True, **size) for path in paths
    )
    joints = []
    with video, pose:
        for t in np.arange(parameters["num_frames"]) / fps:
            points = keypoints(character, motion, t, **size)
            video.write(render_frame(character, motion, t, **size)[None])
            pose.write(render_pose(points, **size)[None])
            joints.append(points)
    _poses(np.stack(joints), fps=fps, **size).save(folder / _keypoints_path(number))
    return paths


def _poses(joints: np.ndarray, *, height: int, width: int, fps: float) -> Poses:
    """Joints [F, 18, 2] as poses of which all else was not seen."""
    points = np.zeros([len(joints), NUM_POINTS, 2], np.float32)
    points[:, BODY] = joints
    scores = np.zeros([len(joints), NUM_POINTS], np.float32)
    scores[:, BODY] = 1
    return Poses(points, scores, height, width, fps)


def _swap(temporary: Path, folder: Path, parameters: dict[str, Any], *, keypoints: bool) -> None:
    """Put the new folder in the old one's place; another process may have done so meanwhile."""
    if _is_complete(folder, parameters, keypoints=keypoints):
        return
    old = temporary.with_suffix(".old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(temporary, folder)
    except OSError:
        if not _is_complete(folder, parameters, keypoints=keypoints):
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _is_complete(folder: Path, parameters: dict[str, Any], *, keypoints: bool) -> bool:
    try:
        if json.loads((folder / "puppets.json").read_text()) != parameters:
            return False
    except (OSError, ValueError, RecursionError):
        return False
    files = [name for n in range(parameters["num_clips"]) for name in _clip_paths(n)]
    if keypoints:
        files += [_keypoints_path(n) for n in range(parameters["num_clips"])]
    return _manifest(folder).is_file() and all((folder / name).is_file() for name in files)


def _refuse_foreign(folder: Path) -> None:
    is_ours = (folder / "puppets.json").exists()
    others = {*os.listdir(folder)} - OWN if is_ours else set()
    if others:  # the folder goes as a whole where it is made anew
        raise UserError(
            f"{folder}: holds puppets and {some(sorted(others))}, which would go with them. Move "
            "that away, or name a new folder for the puppets."
        )
    if folder.exists() and not is_ours and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder}: exists and holds no puppets. Name an empty or a new folder for them."
        )


def _clip_paths(number: int) -> tuple[str, str]:
    return f"video/{number:05d}.mp4", f"video_dwpose/{number:05d}.mp4"


def _keypoints_path(number: int) -> str:
    return f"{KEYPOINTS}/{number:05d}.npz"


def _manifest(folder: Path) -> Path:
    return folder / "meta_data" / "puppets_meta.json"

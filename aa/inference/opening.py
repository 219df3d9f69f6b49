"""Inputs that a case gives to the pipeline: an image, poses, a size, a rate, a sound."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from aa.config.inference import InferenceConfig
from aa.data.picture_files import is_picture
from aa.data.pictures import has_transparent_pixels, load_image, read_image
from aa.data.poses import PosePicture, PoseVideo, is_mostly_black
from aa.data.sound import Sound, find_sound, has_sound
from aa.data.video import VideoReader
from aa.errors import UserError
from aa.files import VIDEO_ENDINGS
from aa.inference.cases import Case
from aa.inference.reference_pose import check_shape
from aa.poses.drawing import DrawnPoses, draw_poses
from aa.poses.poses import Poses

log = logging.getLogger(__name__)


class Frames(Protocol):
    """Frames that are read, or drawn, when they are requested; slices are uint8 [F, H, W, 3]."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Scene:
    """What a case gives to the pipeline, and what its result is like.

    Attributes:
        reference: the character's image.
        reference_pose: a drawing of its pose there; None where there is none.
        poses: a frame each.
        driver: the raw video or picture that they come from; None where there is none.
        height, width: of the result in pixels.
        fps: of the result.
        sound: of the result; None where it has none.
        still: whether the result is one picture.
    """

    reference: Image.Image
    reference_pose: Image.Image | None
    poses: Frames
    driver: Frames | None
    height: int
    width: int
    fps: float
    sound: Sound | None
    still: bool


def open_reference(case: Case, options: InferenceConfig) -> Image.Image:
    """Read the character's image; of a video its first frame.

    Raises:
        UserError: it cannot be read.
    """
    if _is_video(case.reference):
        return Image.fromarray(PoseVideo(case.reference, 1)[:1][0])
    return read_image(case.reference, options.background)


def open_motion(case: Case, options: InferenceConfig) -> PoseVideo | PosePicture | Poses:
    """Open what moves the character: a video, a picture, or a file of poses.

    Raises:
        UserError: it cannot be read, or has fewer frames than requested.
    """
    path = case.pose
    if path.suffix.lower() == ".npz" and not case.driving:
        return _first(Poses.load(path), path, options.num_frames)
    if _is_picture(path):
        if (options.num_frames or 1) > 1:
            raise UserError(
                f"{path}: is one picture, inference.num_frames={options.num_frames} asks for "
                "more; leave it out."
            )
        return PosePicture(read_image(path, "black"))
    return PoseVideo(path, options.num_frames)


def open_reference_pose(
    case: Case, options: InferenceConfig, made: Poses | None, size: tuple[int, int], **drawing: Any
) -> Image.Image | None:
    """Open, or draw, the pose of the character in its image; of several frames the first.

    Args:
        made: poses that were detected there; a case that names a file does not need them.
        size: (height, width) of the result, for which poses are drawn.
        drawing: options of `draw_poses`.

    Raises:
        UserError: it cannot be read.
    """
    path = case.reference_pose
    if path is not None and path.suffix.lower() == ".npz":
        made = Poses.load(path)
    elif path is not None:
        video = _is_video(path)
        return Image.fromarray(PoseVideo(path, 1)[:1][0]) if video else read_image(path, "black")
    if made is None:
        return None
    drawn = draw_poses(made[:1], **_drawn_size(made, *size, options.fit), **drawing)
    return Image.fromarray(drawn[0])


def open_scene(
    case: Case,
    options: InferenceConfig,
    poses: Poses | None,
    own: Poses | None = None,
    **drawing: Any,
) -> Scene:
    """Open all that a case gives to the pipeline.

    Args:
        poses: that were made for it; None where its own are taken as they are.
        own: that were found in the character's image.
        drawing: options of `draw_poses`.

    Raises:
        UserError: a file cannot be read.
    """
    reference, motion = open_reference(case, options), open_motion(case, options)
    driver = motion if case.driving and not isinstance(motion, Poses) else None
    if poses is None and isinstance(motion, Poses):
        poses = motion
    if poses is None:
        assert not isinstance(motion, Poses) and driver is None
        frames: Frames = motion
        height, width = result_size((motion.height, motion.width), options)
    else:
        most = motion.height * motion.width if driver else None
        height, width = result_size((poses.height, poses.width), options, most)
        frames = DrawnPoses(poses, **_drawn_size(poses, height, width, options.fit), **drawing)
    return Scene(
        reference,
        open_reference_pose(case, options, own, (height, width), **drawing),
        frames,
        driver,
        height,
        width,
        fps=options.fps or motion.fps,
        sound=_sound(motion, options) if isinstance(motion, PoseVideo) else None,
        still=isinstance(motion, PosePicture),
    )


def result_shape(case: Case, options: InferenceConfig, *, aligned: bool) -> tuple[int, int, int]:
    """(frames, height, width) of the result of a case, without looking for its poses.

    Args:
        aligned: whether poses will be aligned to the image, and so have its shape.
    """
    motion = open_motion(case, options)
    size, most = (motion.height, motion.width), None
    if aligned:
        reference = open_reference(case, options)
        most = motion.height * motion.width if case.driving else None
        size = reference.height, reference.width
    return len(motion), *result_size(size, options, most)


def result_size(
    size: tuple[int, int], options: InferenceConfig, most: int | None = None
) -> tuple[int, int]:
    """(height, width) of the result: as requested, or the poses' in multiples of 8.

    Args:
        size: of the poses' frame.
        most: pixels that it has at most; more are brought down in the same shape.
    """
    if options.height is not None and options.width is not None:
        return options.height, options.width
    scale = min(1.0, (most / (size[0] * size[1])) ** 0.5) if most else 1.0
    height, width = (max(8, round(side * scale / 8) * 8) for side in size)
    return height, width


def check_poses(case: Case, options: InferenceConfig) -> None:
    """Decode the first frame of a case's poses, and warn of what is probably not meant.

    Raises:
        UserError: it cannot be read, or the reference's own pose has another shape than it.
    """
    motion = open_motion(case, options)
    if isinstance(motion, PoseVideo) and motion.reader.note:
        log.info("%s: %s", case.pose, motion.reader.note)
    if case.reference_pose is not None:
        _check_reference_pose(case.reference_pose, case, options)
    if isinstance(motion, Poses) or case.driving:
        return
    if not is_mostly_black(motion[:1][0]):
        log.warning(
            "%s: most of its first frame is not black; is it a video of poses? (Skeletons on "
            "black are wanted; driving=<video> takes any other, and detects its poses.)",
            case.pose,
        )


def _check_reference_pose(path: Path, case: Case, options: InferenceConfig) -> None:
    reference = open_reference(case, options)
    if path.suffix.lower() == ".npz":
        poses = Poses.load(path)
        size = poses.height, poses.width
    else:
        own = np.asarray(open_reference_pose(case, options, None, (1, 1)))
        size = own.shape[0], own.shape[1]
        if not is_mostly_black(own):
            log.warning(
                "%s: most of it is not black; is it a picture of a pose? (A skeleton on black is "
                "wanted, or an .npz of poses.)",
                path,
            )
    check_shape(size, (reference.height, reference.width), whose=str(path))


def say_changes(cases: list[Case], options: InferenceConfig) -> None:
    """Log, once for each file, what of the cases does not come into their results as it is."""
    for path in dict.fromkeys(case.reference for case in cases):
        if not _is_video(path) and has_transparent_pixels(load_image(path)):
            log.info(
                "%s: its transparent pixels are laid over %s (inference.background)",
                path,
                options.background,
            )
    loses_sound = options.audio == "keep" and options.format != "mp4"
    videos = dict.fromkeys(c.pose for c in cases if _is_video(c.pose))
    if loses_sound and any(has_sound(path) for path in videos):
        log.info("the pose videos' sound is left out: %s has none", options.format)


def _sound(video: PoseVideo, options: InferenceConfig) -> Sound | None:
    """The sound of the result of a video; None where it has none."""
    if options.audio == "drop" or options.format != "mp4":
        return None
    fps = options.fps or video.fps
    reader: VideoReader = video.reader
    seconds, speed = len(video) / fps, fps / video.fps
    return find_sound(reader.path, start=reader.start, seconds=seconds, speed=speed)


def _first(poses: Poses, path: Path, num_frames: int | None) -> Poses:
    if num_frames is not None and num_frames > len(poses):
        raise UserError(
            f"{path}: has {len(poses)} frames, inference.num_frames={num_frames} asks for more; "
            f"use at most {len(poses)}, or leave it out for all of them."
        )
    return poses[:num_frames]


def _drawn_size(poses: Poses, height: int, width: int, fit: str) -> dict[str, int]:
    """The size to draw poses in, so that a result of another shape need not enlarge them."""
    ratios = height / poses.height, width / poses.width
    scale = min(ratios) if fit == "pad" else max(ratios)
    return {"height": max(1, round(poses.height * scale)), "width": round(poses.width * scale) or 1}


def _is_video(path: str | Path) -> bool:
    return Path(path).suffix.lower() in VIDEO_ENDINGS


def _is_picture(path: Path) -> bool:
    """Return whether a file is a picture; a gif that moves is read as a video."""
    if path.suffix.lower() == ".gif":
        return False
    try:
        with open(path, "rb") as file:
            return is_picture(file.read(12))
    except OSError:
        return False  # whoever opens it says what is wrong

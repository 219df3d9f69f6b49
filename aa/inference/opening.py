"""Inputs that a case gives to the pipeline: an image, poses, a size, a sound."""

import logging
from pathlib import Path

from PIL import Image

from aa.config.inference import InferenceConfig
from aa.data.pictures import has_transparent_pixels, load_image, read_image
from aa.data.poses import PoseVideo, is_mostly_black
from aa.data.sound import Sound, find_sound, has_sound
from aa.files import VIDEO_ENDINGS
from aa.inference.cases import Case

log = logging.getLogger(__name__)


def open_case(case: Case, options: InferenceConfig) -> tuple[Image.Image, PoseVideo]:
    """The character's image and the poses of a case.

    Raises:
        UserError: one of them cannot be read.
    """
    poses = PoseVideo(case.pose, options.num_frames)
    return _read_reference(case.reference, options.background), poses


def check_case(case: Case, options: InferenceConfig) -> None:
    """Open both files, decode the first frames, and warn of what is probably not meant.

    Raises:
        UserError: one of them cannot be read.
    """
    _, poses = open_case(case, options)
    if poses.reader.note:
        log.info("%s: %s", case.pose, poses.reader.note)
    if not is_mostly_black(poses[:1][0]):
        log.warning(
            "%s: most of its first frame is not black; is it a video of poses? (Skeletons on "
            "black are wanted.)",
            case.pose,
        )


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
    if loses_sound and any(has_sound(path) for path in dict.fromkeys(c.pose for c in cases)):
        log.info("the pose videos' sound is left out: %s has none", options.format)


def result_size(poses: PoseVideo, options: InferenceConfig) -> tuple[int, int]:
    """(height, width) of the result: as requested, or the pose video's in multiples of 8."""
    if options.height is not None and options.width is not None:
        return options.height, options.width
    height, width = (max(8, round(s / 8) * 8) for s in (poses.reader.height, poses.reader.width))
    return height, width


def result_sound(poses: PoseVideo, options: InferenceConfig) -> Sound | None:
    """The sound of the result; None where it has none."""
    if options.audio == "drop" or options.format != "mp4":
        return None
    fps = options.fps or poses.reader.fps
    seconds, speed = len(poses) / fps, fps / poses.reader.fps
    reader = poses.reader
    return find_sound(reader.path, start=reader.start, seconds=seconds, speed=speed)


def _is_video(path: str | Path) -> bool:
    return Path(path).suffix.lower() in VIDEO_ENDINGS


def _read_reference(path: Path, background: str) -> Image.Image:
    """The character's image; of a video its first frame."""
    if not _is_video(path):
        return read_image(path, background)
    return Image.fromarray(PoseVideo(path, 1)[:1][0])

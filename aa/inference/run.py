"""An inference run: every case to its video, a side-by-side, and the record of both."""

import contextlib
import logging
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from aa.data.pictures import read_image
from aa.data.poses import PoseVideo
from aa.data.transforms import fit_frames
from aa.data.video import VIDEO_ENDINGS
from aa.data.writers import open_writer
from aa.fingerprints import fingerprint, weights_files
from aa.runs import write_json
from aa.snapshots import write_snapshot
from aa.weights.folders import open_folder

log = logging.getLogger(__name__)

DARK = 32  # of 255: the ground of a pose video


class InferenceRun:
    """Animates cases one after the other into a run folder.

    Args:
        config: a checked `InferConfig`.
        folder: the run folder.
        cases: list of `Case`.
        load_pipeline: function that returns the `Pose2VideoPipeline`.
    """

    def __init__(self, config, folder, cases, load_pipeline):
        self.config, self.options, self.folder = config, config.inference, folder
        self.cases, self.load_pipeline = cases, load_pipeline

    def run(self):
        """Check all cases, then make all videos; prints where they are."""
        for case in self.cases:  # everything is readable before work starts
            self._check(case)
        inputs = [p for case in self.cases for p in (case.reference, case.pose)]
        inputs += weights_files(open_folder(self.config.weights))
        inputs += [self.config.cases] if self.config.cases else []
        pipeline = self.load_pipeline()
        write_snapshot(self.folder, self.config, fingerprint(inputs))
        results = [self._animate(pipeline, case) for case in self.cases]
        write_json(self.folder / "summary.json", {"videos": results})

    def _check(self, case):
        _, poses = open_case(case, self.options)
        if (poses[:1].max(axis=3) < DARK).mean() < 0.5:
            log.warning(
                "%s: most of its first frame is not black; is it a video of poses? (Skeletons on "
                "black are wanted.)",
                case.pose,
            )

    def _animate(self, pipeline, case):
        reference, poses = open_case(case, self.options)
        height, width = result_size(poses, self.options)
        fps = self.options.fps or poses.reader.fps
        log.info("%s: %d frames of %dx%d", case.name, len(poses), width, height)
        start = time.perf_counter()
        frames = pipeline.frames(
            reference,
            poses,
            width=width,
            height=height,
            progress=True,
            **sampling_options(self.options),
        )
        with autocast(self.config):
            files, hashes = self._write(case, frames, reference, poses, (height, width), fps)
        seconds = time.perf_counter() - start
        print(f"video:        {files[0]}\nside by side: {files[1]}  ({seconds:.1f} s)")
        return {
            "reference": str(case.reference),
            "pose": str(case.pose),
            "video": str(files[0]),
            "side_by_side": str(files[1]),
            "frames": len(poses),
            "width": width,
            "height": height,
            "fps": fps,
            "seconds": round(seconds, 3),
            "sha256_of_frames": hashes,
        }

    def _write(self, case, frames, reference, poses, size, fps):
        """Write the result and reference | pose | result, both as the frames come.

        Returns:
            the paths, and the SHA-256 of the frames before their encoding, by type.
        """
        height, width = size
        left = fit_frames(np.asarray(reference)[None], size, fit=self.options.fit)
        end = self.options.format
        targets = [self.folder / f"{case.name}{part}.{end}" for part in ("", "_side_by_side")]
        alone = open_writer(targets[0], format=end, fps=fps, height=height, width=width)
        beside = open_writer(targets[1], format=end, fps=fps, height=height, width=width * 3)
        done, hashes = 0, {"float32": sha256(), "uint8": sha256()}
        with alone, beside:
            for chunk in frames:
                chunk = np.asarray(chunk, "float32")
                result = to_uint8(chunk)
                hashes["float32"].update(np.ascontiguousarray(chunk))
                hashes["uint8"].update(np.ascontiguousarray(result))
                pose = fit_frames(poses[done : done + len(result)], size, fit=self.options.fit)
                alone.write(result)
                beside.write(np.concatenate([np.repeat(left, len(pose), 0), pose, result], axis=2))
                done += len(result)
        return (alone.path, beside.path), {key: h.hexdigest() for key, h in hashes.items()}


def open_case(case, options):
    """The character's picture and the `PoseVideo` of a `Case`."""
    reference = read_reference(case.reference, options.background)
    return reference, PoseVideo(case.pose, options.num_frames)


def result_size(poses, options):
    """(height, width) of the result: as asked, or the pose video's in multiples of 8."""
    if options.height is not None:
        return options.height, options.width
    return tuple(max(8, round(s / 8) * 8) for s in (poses.reader.height, poses.reader.width))


def sampling_options(options):
    """What an `InferenceConfig` says about `Pose2VideoPipeline.frames`, the size aside."""
    keys = ("num_inference_steps", "guidance_scale", "context_frames", "context_overlap")
    keys += ("context_stride", "context_shift", "context_blend", "closed_loop", "sampler", "fit")
    keys += ("seed", "noise", "decode_batch_size")
    return {key: getattr(options, key) for key in keys}


def autocast(config):
    """Context in which Paddle computes in the precision of a config; weights stay float32."""
    if config.hardware.device == "cpu" or config.precision == "float32":
        return contextlib.nullcontext()
    import paddle

    return paddle.amp.auto_cast(True, level="O1", dtype=config.precision)


def read_reference(path, background):
    """The character's picture: a PIL image, of a video its first frame."""
    if Path(path).suffix.lower() not in VIDEO_ENDINGS:
        return read_image(path, background)
    return Image.fromarray(PoseVideo(path, 1)[:1][0])


def to_uint8(frames):
    """Frames in 0..1 as uint8, rounded."""
    return np.round(np.asarray(frames) * 255).astype(np.uint8)

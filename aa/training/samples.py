"""Sample clips of a training run: reference | pose | result | truth, always the same clip."""

from pathlib import Path

import numpy as np
from PIL import Image

from aa.data.poses import PoseVideo
from aa.data.transforms import fit_frames
from aa.data.video import VideoReader
from aa.data.writers import open_writer
from aa.inference.pipeline import Pose2VideoPipeline
from aa.inference.run import sampling_options, to_uint8


def animate_clip(pipeline, clip, options):
    """Animate the first frame of a clip with the clip's own poses, at most as many as it has.

    Args:
        pipeline: a `Pose2VideoPipeline`.
        clip: the `Clip`.
        options: an `InferenceConfig` with a size.

    Returns:
        result, truth and poses, uint8 [F, H, W, 3] each.

    Raises:
        ClipError: the clip does not decode; if its video does not, before it is animated.
    """
    size = (options.height, options.width)
    video = PoseVideo(clip.video)
    count = min(options.num_frames or len(video), len(video))
    poses = PoseVideo(clip.pose, count, like=video.reader)
    reference = Image.fromarray(video[:1][0])
    truth = fit_frames(video[: len(poses)], size, fit=options.fit)
    frames = pipeline.frames(
        reference, poses, height=size[0], width=size[1], **sampling_options(options)
    )
    result = to_uint8(np.concatenate(list(frames)))
    return result, truth, fit_frames(poses[:], size, fit=options.fit)


class SampleClips:
    """Animates the first clip, see `animate_clip`; if it does not decode, with skip_bad, the next.

    Args:
        model: the `AnimateAnyone`.
        clips: the `Clip`s.
        options: an `InferenceConfig` with a size.
        folder: the run's `samples/`.
        recorder: a `runs.Recorder`.
        autocast: function that returns the context of the run's precision.
        usable: a `Usable` for the clips.
    """

    def __init__(self, model, clips, options, folder, recorder, autocast, usable):
        self.pipeline, self.clips, self.options = Pose2VideoPipeline(model), clips, options
        self.folder, self.recorder, self.autocast = Path(folder), recorder, autocast
        self.usable = usable

    def __call__(self, step):
        """Write `step-N/` and show some of its frames in VisualDL."""
        with self.autocast():
            strip, fps = self.usable.first(self.clips, self._strip)
        self._write(step, strip, fps)

    def _strip(self, clip):
        """The pictures beside each other, uint8 [F, H, W, 3], and their rate."""
        result, truth, poses = animate_clip(self.pipeline, clip, self.options)
        beside = np.repeat(truth[:1], len(result), 0)
        strip = np.concatenate([beside, poses, result, truth], axis=2)
        return strip, self.options.fps or VideoReader(clip.video).fps

    def _write(self, step, strip, fps):
        end = self.options.format
        target = self.folder / f"step-{step:06d}" / f"reference_pose_result_truth.{end}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_writer(
            target, format=end, fps=fps, height=strip.shape[1], width=strip.shape[2]
        ) as writer:
            writer.write(strip)
        shown = strip[np.linspace(0, len(strip) - 1, min(4, len(strip))).astype(int)]
        self.recorder.image("sample/reference_pose_result_truth", np.concatenate(shown), step)

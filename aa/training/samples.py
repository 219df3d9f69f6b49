"""Sample clips of a training run: reference | pose | result | truth, always the same clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from aa.data.poses import PoseVideo
from aa.data.transforms import fit_frames
from aa.data.video import VideoReader
from aa.data.writers import open_writer
from aa.inference.outputs import to_uint8
from aa.inference.pipeline import Pose2VideoPipeline

if TYPE_CHECKING:
    from aa.config.inference import InferenceConfig
    from aa.data.manifest import Clip
    from aa.models.animate_anyone import AnimateAnyone
    from aa.runs.records import Recorder
    from aa.training.usable import Usable


def animate_clip(
    pipeline: Pose2VideoPipeline, clip: Clip, options: InferenceConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Animate the first frame of a clip with the clip's own poses, at most as many as it has.

    Args:
        options: with a size.

    Returns:
        result, truth and poses, uint8 [F, H, W, 3] each.

    Raises:
        ClipError: the clip does not decode; if its video does not, before it is animated.
    """
    size = cast("tuple[int, int]", (options.height, options.width))
    video = PoseVideo(clip.video)
    count = min(options.num_frames or len(video), len(video))
    poses = PoseVideo(clip.pose, count, like=video.reader)
    reference = Image.fromarray(video[:1][0])
    truth = fit_frames(video[: len(poses)], size, fit=options.fit)
    own = None
    if pipeline.model.has_reference_pose:  # stretched over the reference, as in training's items
        resampling = Image.Resampling.LANCZOS
        own = Image.fromarray(poses[:1][0]).resize(reference.size, resampling)
    frames = pipeline.frames(
        reference, poses, height=size[0], width=size[1], reference_pose=own, options=options
    )
    result = to_uint8(np.concatenate(list(frames)))
    return result, truth, fit_frames(poses[:], size, fit=options.fit)


class SampleClips:
    """Animates the first clip, see `animate_clip`; if it does not decode, with skip_bad, the next.

    Args:
        options: with a size.
        folder: the run's `samples/`.
        autocast: returns the context of the run's precision.
        usable: for the clips.
    """

    def __init__(
        self,
        model: AnimateAnyone,
        clips: Sequence[Clip],
        options: InferenceConfig,
        folder: str | Path,
        recorder: Recorder,
        autocast: Callable[[], AbstractContextManager],
        usable: Usable,
    ) -> None:
        self.pipeline, self.clips, self.options = Pose2VideoPipeline(model), clips, options
        self.folder, self.recorder, self.autocast = Path(folder), recorder, autocast
        self.usable = usable

    def __call__(self, step: int) -> None:
        """Write `step-N/` and show trackers some of its frames."""
        with self.autocast():
            strip, fps = self.usable.first(self.clips, self._strip)
        self._write(step, strip, fps)

    def _strip(self, clip: Clip) -> tuple[np.ndarray, float]:
        """The images beside each other, uint8 [F, H, W, 3], and their rate."""
        result, truth, poses = animate_clip(self.pipeline, clip, self.options)
        beside = np.repeat(truth[:1], len(result), 0)
        strip = np.concatenate([beside, poses, result, truth], axis=2)
        return strip, self.options.fps or VideoReader(clip.video).fps

    def _write(self, step: int, strip: np.ndarray, fps: float) -> None:
        end = self.options.format
        target = self.folder / f"step-{step:06d}" / f"reference_pose_result_truth.{end}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_writer(
            target, format=end, fps=fps, height=strip.shape[1], width=strip.shape[2]
        ) as writer:
            writer.write(strip)
        shown = strip[np.linspace(0, len(strip) - 1, min(4, len(strip))).astype(int)]
        self.recorder.image("sample/reference_pose_result_truth", np.concatenate(shown), step)
        self.recorder.wrote("sample", target, step)

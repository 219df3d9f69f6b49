"""Common parts of tests of generated figures: settings, scenes whose truth is known, scores."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from aa.data.transforms import fit_frames
from aa.evaluation.metrics import mean_and_interval
from aa.puppets.clips import (
    Character,
    Motion,
    clip_seeds,
    draw_motion,
    dressed,
    keypoints,
    render_frame,
    render_parts,
    render_pose,
    render_room,
)

PROPORTIONS = ("head", "shoulders", "hips", "torso", "arm", "leg")  # those that a pose shows
BATCH_FRAMES = 64  # animated by one call of `animate`


@dataclass(frozen=True)
class Protocol:
    """The data set whose held-out clips are used, and how many. Sizes are in pixels."""

    seed: int  # of the training data: its other splits have other characters and motions
    height: int
    width: int
    scale: int  # truth is drawn this much larger and fitted, as training clips are
    fps: float  # of the training clips
    num_frames: int  # of each training clip
    num_train_clips: int
    split: str = "test"
    num_pairs: int = 64  # figures of single frames
    num_clips: int = 24  # figures of clips, others than those of the pairs
    clip_frames: int = 16
    figure: int | None = None  # that all of them show, see `dressed`
    accessory: str = "none"

    def scene(self, number: int) -> "Scene":
        """Draw the scene of figure `number` of the split, in its own motion."""
        return self._scene(number, self.split)

    def train_scene(self, number: int) -> "Scene":
        """Draw the scene of clip `number` of the training data."""
        return self._scene(number, "train")

    def _scene(self, number: int, split: str) -> "Scene":
        number, motion = clip_seeds(self.seed, number, split=split)
        figure = dressed(self.seed, number, figure=self.figure, accessory=self.accessory)
        return Scene(figure, draw_motion(motion), (self.height, self.width), self.scale)


@dataclass(frozen=True)
class Scene:
    """A character in a motion, seen at `size` (height, width). Times are a list in seconds.

    Images are drawn `scale` times as large and fitted to `size`, as those of training clips,
    but never encoded.
    """

    character: Character
    motion: Motion
    size: tuple
    scale: int

    def frames(self, times: Iterable[float]) -> np.ndarray:
        """The true frames, uint8 [F, H, W, 3]."""
        return self._fit(
            [render_frame(self.character, self.motion, t, **self._large()) for t in times]
        )

    def poses(self, times: Iterable[float]) -> np.ndarray:
        """The frames of the pose video, uint8 [F, H, W, 3]."""
        large = self._large()
        points = [keypoints(self.character, self.motion, t, **large) for t in times]
        return self._fit([render_pose(p, **large) for p in points])

    def room(self) -> np.ndarray:
        """The room without the character, uint8 [H, W, 3]."""
        return self._fit([render_room(self.character, **self._large())])[0]

    def parts(self, times: Iterable[float]) -> np.ndarray:
        """Index in `aa.puppets.clips.PARTS` of what is seen, uint8 [F, H, W]."""
        height, width = self.size
        return np.stack(
            [
                render_parts(self.character, self.motion, t, height=height, width=width)
                for t in times
            ]
        )

    def joints(self, t: float) -> np.ndarray:
        """The joints in pixels (x, y), float64 [18, 2]."""
        return keypoints(self.character, self.motion, t, height=self.size[0], width=self.size[1])

    def recast(self, other: "Scene") -> "Scene":
        """`other`'s looks and room on this figure's bones and motion.

        A pose shows the bones, so that this is the truth of `other`'s image in this one's poses.
        """
        bones = {name: getattr(self.character, name) for name in PROPORTIONS}
        return replace(self, character=replace(other.character, **bones))

    def _large(self) -> dict[str, int]:
        return {"height": self.size[0] * self.scale, "width": self.size[1] * self.scale}

    def _fit(self, frames: list[np.ndarray]) -> np.ndarray:
        return fit_frames(np.stack(frames), self.size, fit="pad")


def animate_all(
    animate: Callable[..., np.ndarray],
    references: np.ndarray,
    poses: np.ndarray,
    seeds: list[int],
    reference_poses: np.ndarray,
    *,
    progress: str | None,
) -> np.ndarray:
    """Call `animate` in batches of about `BATCH_FRAMES` frames.

    Args:
        animate: function (references uint8 [N, H, W, 3], poses uint8 [N, F, H, W, 3], seeds, a
            list of N, the references' own poses uint8 [N, H, W, 3]) -> float [N, F, H, W, 3] in
            0..1: each reference in its poses.
        references, poses, seeds, reference_poses: as `animate` takes them, of any N.
        progress: name of the bar; None shows none.

    Returns:
        float32 [N, F, H, W, 3].
    """
    batch = max(1, BATCH_FRAMES // poses.shape[1])
    results = []
    with tqdm(total=len(poses), desc=progress, delay=1, disable=progress is None) as bar:
        for start in range(0, len(poses), batch):
            part = slice(start, start + batch)
            given = (x[part] for x in (references, poses, seeds, reference_poses))
            frames = np.asarray(animate(*given))
            if frames.shape != poses[part].shape:
                raise ValueError(
                    f"animate gave frames {frames.shape} for poses {poses[part].shape}; "
                    "both must be [N, F, H, W, 3]."
                )
            results.append(frames.astype(np.float32))
            bar.update(len(frames))
    return np.concatenate(results)


def score(values: ArrayLike) -> dict[str, Any]:
    """Mean and 95% interval over figures as plain values; nan is a figure that has no value."""
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return {"mean": None, "interval_95": None, "count": 0}
    mean, half = mean_and_interval(values)
    interval = None if half is None else [mean - half, mean + half]
    return {"mean": mean, "interval_95": interval, "count": len(values)}

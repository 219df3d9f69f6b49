"""Single frames of held-out figures: quality, and that of what can be had without a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aa.evaluation.metrics import psnr_per_frame, ssim_per_frame
from aa.puppets.scenes import Protocol, Scene, animate_all, score

LOOK_ALIKES = 10  # training figures among which the nearest pose is looked for


@dataclass(frozen=True)
class Pairs:
    """Figures i = 0..N-1, each at two moments of its own motion: 0 s, the reference, and a later.

    The later one is a frame of the second half of a training clip's length, the wrong one of the
    first half, but not the reference. Frames and poses are uint8 [N, H, W, 3].
    """

    scenes: list
    times: np.ndarray  # [N] seconds, of what is requested
    references: np.ndarray
    reference_poses: np.ndarray
    poses: np.ndarray
    truths: np.ndarray
    wrong_truths: np.ndarray  # at the wrong moments
    figures: np.ndarray  # bool [N, H, W], where the figure is in `truths`
    wrong_figures: np.ndarray  # in `wrong_truths`
    seeds: list  # of the noise

    @classmethod
    def draw(cls, protocol: Protocol) -> "Pairs":
        """The pairs of a protocol: the same ones every time."""
        scenes = [protocol.scene(number) for number in range(protocol.num_pairs)]
        half = protocol.num_frames // 2
        if half < 2:
            raise ValueError(f"pairs need clips of 4 frames or more, got {protocol.num_frames}.")
        rng = np.random.default_rng(protocol.seed)
        times = rng.integers(half, protocol.num_frames, len(scenes)) / protocol.fps
        wrong = rng.integers(1, half, len(scenes)) / protocol.fps
        asked = list(zip(scenes, times, strict=True))
        other = list(zip(scenes, wrong, strict=True))
        return cls(
            scenes,
            times,
            references=np.concatenate([scene.frames([0]) for scene in scenes]),
            reference_poses=np.concatenate([scene.poses([0]) for scene in scenes]),
            poses=np.concatenate([scene.poses([t]) for scene, t in asked]),
            truths=np.concatenate([scene.frames([t]) for scene, t in asked]),
            wrong_truths=np.concatenate([scene.frames([t]) for scene, t in other]),
            figures=np.concatenate([scene.parts([t]) > 0 for scene, t in asked]),
            wrong_figures=np.concatenate([scene.parts([t]) > 0 for scene, t in other]),
            seeds=list(range(len(scenes))),
        )

    def animate(
        self, animate: Callable[..., np.ndarray], *, progress: str | None = None
    ) -> np.ndarray:
        """The figures in the requested poses, float32 [N, H, W, 3] in 0..1; see `animate_all`."""
        given = self.references, self.poses[:, None], self.seeds, self.reference_poses
        return animate_all(animate, *given, progress=progress)[:, 0]


def measure_pairs(pairs: Pairs, generated: np.ndarray) -> dict[str, np.ndarray]:
    """{metric: [N] values} of frames [N, H, W, 3], uint8 or float in 0..1.

    psnr and ssim of the whole frame, psnr_figure of the pixels where the true figure is.
    """
    return {
        "psnr": psnr_per_frame(generated, pairs.truths),
        "ssim": ssim_per_frame(generated, pairs.truths),
        "psnr_figure": psnr_per_frame(generated, pairs.truths, pairs.figures),
    }


def score_pairs(pairs: Pairs, generated: np.ndarray) -> dict[str, dict[str, Any]]:
    """`measure_pairs` as {metric: score}."""
    return {name: score(values) for name, values in measure_pairs(pairs, generated).items()}


def compare_pairs(
    pairs: Pairs, generated: np.ndarray, without: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Scores of frames [N, H, W, 3] and of baselines {name: frames}, as plain values.

    gain: by metric the best baseline (that of the highest mean) and the mean over figures of how
    much more the frames have than it.
    """
    values = measure_pairs(pairs, generated)
    theirs = {name: measure_pairs(pairs, frames) for name, frames in without.items()}
    gain = {}
    for metric, ours in values.items():
        best = max(theirs, key=lambda name: theirs[name][metric].mean())
        gain[metric] = {"over": best, **score(ours - theirs[best][metric])}
    return {
        "generated": {metric: score(v) for metric, v in values.items()},
        "baselines": {n: {m: score(v) for m, v in all_.items()} for n, all_ in theirs.items()},
        "gain": gain,
    }


def baselines(pairs: Pairs, protocol: Protocol) -> dict[str, np.ndarray]:
    """{name: frames uint8 [N, H, W, 3]} that can be had without a model.

    copy: the reference as it is.
    background: every row the median of the reference's row, which is its wall or floor.
    mean_frame: the mean of the first frames of all training clips.
    nearest_frame: of the LOOK_ALIKES training clips whose first frames are nearest to the reference
        (least mean absolute difference), the frame whose joints are nearest to the true ones.
    """
    train = [protocol.train_scene(number) for number in range(protocol.num_train_clips)]
    firsts = np.concatenate([scene.frames([0]) for scene in train])
    mean = np.round(firsts.mean(axis=0)).astype(np.uint8)
    rows = np.median(pairs.references, axis=2, keepdims=True)
    nearest = [
        _nearest_frame(reference, scene.joints(t), train, firsts, protocol)
        for reference, scene, t in zip(pairs.references, pairs.scenes, pairs.times, strict=True)
    ]
    return {
        "copy": pairs.references,
        "background": np.repeat(rows, protocol.width, axis=2).round().astype(np.uint8),
        "mean_frame": np.repeat(mean[None], len(pairs.scenes), axis=0),
        "nearest_frame": np.stack(nearest),
    }


def _nearest_frame(
    reference: np.ndarray,
    joints: np.ndarray,
    train: list[Scene],
    firsts: np.ndarray,
    protocol: Protocol,
) -> np.ndarray:
    differences = np.abs(firsts.astype(np.int16) - reference).mean(axis=(1, 2, 3))
    moments = [
        (train[number], frame / protocol.fps)
        for number in np.argsort(differences)[:LOOK_ALIKES]
        for frame in range(protocol.num_frames)
    ]
    scene, t = min(moments, key=lambda moment: np.abs(moment[0].joints(moment[1]) - joints).mean())
    return scene.frames([t])[0]

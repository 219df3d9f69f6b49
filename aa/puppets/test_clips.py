"""Clips of held-out figures: do they move as the truth does, or flicker?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aa.evaluation.metrics import psnr, ssim, temporal_error
from aa.puppets.scenes import Protocol, animate_all, score

START = 1.0  # seconds into the motion; the reference is its first moment


@dataclass(frozen=True)
class Clips:
    """M figures, none of them in the pairs, for F frames at the training clips' rate.

    At 12 frames a second and 64x64 a figure's pixels change by 13 of 255 from frame to frame on
    average, all pixels by 3; at 24 a second by 7 and 2 (24 figures).
    """

    references: np.ndarray  # uint8 [M, H, W, 3]
    reference_poses: np.ndarray  # uint8 [M, H, W, 3]
    poses: np.ndarray  # uint8 [M, F, H, W, 3]
    truths: np.ndarray  # uint8 [M, F, H, W, 3]
    figures: np.ndarray  # bool [M, F, H, W]
    seeds: list

    @classmethod
    def draw(cls, protocol: Protocol) -> "Clips":
        """The clips of a protocol: the same ones every time."""
        numbers = range(protocol.num_pairs, protocol.num_pairs + protocol.num_clips)
        scenes = [protocol.scene(number) for number in numbers]
        times = START + np.arange(protocol.clip_frames) / protocol.fps
        return cls(
            references=np.stack([scene.frames([0])[0] for scene in scenes]),
            reference_poses=np.stack([scene.poses([0])[0] for scene in scenes]),
            poses=np.stack([scene.poses(times) for scene in scenes]),
            truths=np.stack([scene.frames(times) for scene in scenes]),
            figures=np.stack([scene.parts(times) > 0 for scene in scenes]),
            seeds=list(numbers),
        )

    def animate(
        self, animate: Callable[..., np.ndarray], *, progress: str | None = None
    ) -> np.ndarray:
        """The requested clips, float32 [M, F, H, W, 3] in 0..1; see `animate_all`."""
        given = self.references, self.poses, self.seeds, self.reference_poses
        return animate_all(animate, *given, progress=progress)

    def frozen(self) -> np.ndarray:
        """The baseline that does not move: every frame is the reference, uint8."""
        return np.repeat(self.references[:, None], self.poses.shape[1], axis=1)


def score_clips(clips: Clips, generated: np.ndarray) -> dict[str, Any]:
    """Scores of frames [M, F, H, W, 3], uint8 or float in 0..1, as plain values.

    psnr, psnr_figure, ssim as for pairs; temporal_error in 0..255 of all pixels, of the figure's,
    and of those where the figure never is: there nothing but its soft edges moves, all else is
    flicker.
    """
    room = ~clips.figures.any(axis=1, keepdims=True)
    rooms = np.broadcast_to(room, clips.figures.shape)
    both = list(zip(generated, clips.truths, strict=True))
    figures = list(zip(generated, clips.truths, clips.figures, strict=True))
    return {
        "psnr": score([psnr(*pair) for pair in both]),
        "psnr_figure": score([psnr(*three) for three in figures]),
        "ssim": score([ssim(*pair) for pair in both]),
        "temporal_error": score([temporal_error(*pair) for pair in both]),
        "temporal_error_figure": score([temporal_error(*three) for three in figures]),
        "temporal_error_room": score(
            [temporal_error(*three) for three in zip(generated, clips.truths, rooms, strict=True)]
        ),
    }

"""The test of a model on generated figures: scores of held-out figures, motions and swaps.

The model is a function `animate(references, poses, seeds, reference_poses)`, see `animate_all`, so
that anything can be tested: networks, their halves, or a fake of which the right scores are known.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from aa.puppets.scenes import Protocol, animate_all
from aa.puppets.test_clips import Clips, score_clips
from aa.puppets.test_pairs import Pairs, baselines, compare_pairs
from aa.puppets.test_poses import score_poses
from aa.puppets.test_swaps import Swaps, score_swaps

CROSSED = 4  # figures whose poses and references are all combined, for an image


@dataclass(frozen=True)
class Outcome:
    """Result of a test: `scores`, plain values for json, and the frames behind them.

    Every score is {"mean", "interval_95": [low, high] or None, "count"} over figures.
    """

    scores: dict
    pairs: Pairs
    generated_pairs: np.ndarray  # float32 [N, H, W, 3] in 0..1
    swaps: Swaps
    generated_swaps: np.ndarray  # float32 [N, H, W, 3] in 0..1
    clips: Clips
    generated_clips: np.ndarray  # float32 [M, F, H, W, 3] in 0..1
    crossed: (
        np.ndarray
    )  # float32 [K, K, H, W, 3]: the first K poses, each with the first K references


def evaluate(
    animate: Callable[..., np.ndarray], protocol: Protocol, *, progress: bool = True
) -> Outcome:
    """Run all tests of a protocol.

    Args:
        animate: see `animate_all`; pairs and swaps have F = 1.
        progress: show bars.
    """
    pairs, clips = Pairs.draw(protocol), Clips.draw(protocol)
    swaps = Swaps.draw(pairs)

    def run(test: Pairs | Swaps | Clips, name: str) -> np.ndarray:
        return test.animate(animate, progress=name if progress else None)

    frames = run(pairs, "animating pairs")
    swapped = run(swaps, "animating swaps")
    videos = run(clips, "animating clips")
    scores = {
        "protocol": asdict(protocol),
        "pairs": compare_pairs(pairs, frames, baselines(pairs, protocol)),
        "poses": score_poses(pairs, frames),
        "swaps": score_swaps(swaps, swapped),
        "clips": {
            "generated": score_clips(clips, videos),
            "frozen": score_clips(clips, clips.frozen()),
        },
    }
    crossed = cross(animate, pairs, count=min(CROSSED, protocol.num_pairs))
    return Outcome(scores, pairs, frames, swaps, swapped, clips, videos, crossed)


def cross(animate: Callable[..., np.ndarray], pairs: Pairs, *, count: int) -> np.ndarray:
    """The first `count` poses, each with the first `count` references: float32 [K, K, H, W, 3]."""
    rows, columns = np.divmod(np.arange(count**2), count)
    seeds = [pairs.seeds[row] for row in rows]
    references, own = (x[columns] for x in (pairs.references, pairs.reference_poses))
    frames = animate_all(animate, references, pairs.poses[rows][:, None], seeds, own, progress=None)
    return frames.reshape(count, count, *pairs.poses.shape[1:])

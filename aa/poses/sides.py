"""Left and right that a detector has swapped for a few frames."""

import numpy as np

from aa.poses.skeleton import BODY, JOINTS, LEFT_HAND, MIRRORED, RIGHT_HAND

LONGEST = 1.0  # seconds; what lasts longer may be somebody who has turned
# What one swap costs, for each joint that is compared, as a share of the figure's height: where
# left and right lie on each other, in profile, swapping gains less.
COST = 0.04
UPPER_PARTS = ("shoulder", "elbow", "wrist", "eye", "ear")


def _group(parts: tuple[str, ...]) -> np.ndarray:
    return np.array([i for i, name in enumerate(JOINTS) if name.endswith(parts)])


UPPER, LOWER = _group(UPPER_PARTS), _group(("hip", "knee", "ankle"))
HANDS = np.r_[LEFT_HAND, RIGHT_HAND]


def undo_flips(points: np.ndarray, scores: np.ndarray, *, height: float, fps: float) -> int:
    """Swap left and right back, in place, in the frames where that shortens the way that arms and
    head, or legs, travel: the shortest way through all frames (Viterbi's).

    Only swaps of less than about a second are undone: what lasts longer is taken for a turn.

    Args:
        points: [F, 128, 2] in pixels.
        scores: [F, 128]; 0 where there is no point.
        height: of the figure in pixels.
        fps: frames per second.

    Returns:
        in how many frames anything was swapped.
    """
    swapped_at = np.zeros(len(points), bool)
    for joints, extra in ((UPPER, HANDS), (LOWER, HANDS[:0])):
        swapped = _exceptions(_shortest_way(points, scores, joints, height), fps)
        columns = np.concatenate([joints, extra])
        others = np.array(MIRRORED)[columns]
        for values in (points, scores):
            values[np.ix_(swapped, columns)] = values[np.ix_(swapped, others)]
        swapped_at |= swapped
    return int(swapped_at.sum())


def _shortest_way(
    points: np.ndarray, scores: np.ndarray, joints: np.ndarray, height: float
) -> np.ndarray:
    """Which frames are swapped on the shortest way through all of them: bool [F]."""
    others = np.array(MIRRORED[BODY])[joints]
    place, present = points[:, joints], scores[:, joints] > 0
    stays = _travel(place[:-1], place[1:], present[:-1] & present[1:])
    other_place, other_present = points[:, others], scores[:, others] > 0
    swaps = _travel(place[:-1], other_place[1:], present[:-1] & other_present[1:])
    swaps += COST * height * len(joints)
    cost, came_from = np.zeros(2), np.zeros((len(points), 2), int)
    for frame in range(1, len(points)):
        ways = np.array(
            [[stays[frame - 1], swaps[frame - 1]], [swaps[frame - 1], stays[frame - 1]]]
        )
        total = cost[:, None] + ways  # [from, to]
        came_from[frame] = total.argmin(axis=0)
        cost = total.min(axis=0)
    state = int(cost.argmin())
    states = np.zeros(len(points), bool)
    for frame in range(len(points) - 1, -1, -1):
        states[frame] = state
        state = came_from[frame, state]
    return states


def _travel(first: np.ndarray, second: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Sum of the distances between joints that are present in both: [F - 1]."""
    return (np.linalg.norm(first - second, axis=-1) * present).sum(axis=1)


def _exceptions(states: np.ndarray, fps: float) -> np.ndarray:
    """Frames in which a state, bool [F], is not that of most frames around: of `LONGEST` seconds
    to each side."""
    from scipy.ndimage import uniform_filter1d  # deferred: a quarter of a second

    window = 2 * round(LONGEST * fps) + 1
    share = uniform_filter1d(states.astype("float64"), window, mode="reflect")
    return states != (share > 0.5)

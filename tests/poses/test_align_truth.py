"""Generated figures: one's motion on another's body, whose true poses are known.

`benchmarks/alignment.py` measures many more, and compares.
"""

import numpy as np
import pytest

from aa.poses import Poses, align_poses
from aa.poses.skeleton import BODY, LEFT_HIP, NUM_POINTS, RIGHT_HIP
from aa.puppets.figure import draw_character, draw_motion, keypoints, person_height

HEIGHT, WIDTH = 192, 128


def figure(character, motion, times, scale=1):
    """The poses of a character in a motion."""
    size = {"height": scale * HEIGHT, "width": scale * WIDTH}
    points = np.zeros((len(times), NUM_POINTS, 2), np.float32)
    scores = np.zeros((len(times), NUM_POINTS), np.float32)
    points[:, BODY] = [
        keypoints(draw_character(character), draw_motion(motion), t, **size) for t in times
    ]
    scores[:, BODY] = 1
    return Poses(points, scores, fps=12.0, **size)


@pytest.mark.parametrize("seed", range(4))
def test_joints_are_within_a_hundredth_of_the_body_s_height(seed):
    times = np.arange(36) / 12
    truth, driving = figure(seed, seed, times), figure(seed + 10, seed, times, scale=2)
    reference = figure(seed, seed + 20, [0])
    aligned, _ = align_poses(driving, reference)
    hips = [poses.points[0, [RIGHT_HIP, LEFT_HIP], 0].mean() for poses in (reference, truth)]
    expected = truth.points[:, BODY] + (hips[0] - hips[1], 0)  # begins where the reference is
    errors = np.hypot(*np.moveaxis(aligned.points[:, BODY] - expected, 2, 0))
    assert errors.mean() < 0.01 * person_height(height=HEIGHT, width=WIDTH)

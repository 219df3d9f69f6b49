"""Small poses for tests: a standing figure, made by hand."""

import numpy as np

from aa.poses import Poses
from aa.poses.skeleton import BODY, NUM_POINTS

# x, y of the 18 joints of somebody who stands and faces the camera, in a frame of 60x100 pixels.
STANDING = np.array(
    [
        (30, 15), (30, 25), (22, 25), (20, 37), (19, 48), (38, 25), (40, 37), (41, 48), (26, 50),
        (25, 70), (25, 90), (34, 50), (35, 70), (35, 90), (28, 13), (32, 13), (26, 14), (34, 14),
    ],
    dtype="float32",
)  # fmt: skip


def standing(num_frames=1, *, height=100, width=60, fps=25.0):
    """Poses of the standing figure: its body, no hands, no face."""
    points = np.zeros((num_frames, NUM_POINTS, 2), "float32")
    scores = np.zeros((num_frames, NUM_POINTS), "float32")
    points[:, BODY], scores[:, BODY] = STANDING, 1.0
    return Poses(points, scores, height, width, fps)


def moving(seed=0, *, num_frames=100, height=400, width=300, fps=25.0):
    """Poses of a generated figure in motion: its body, exactly."""
    from aa.puppets.figure import draw_character, draw_motion, keypoints

    character, motion = draw_character(seed), draw_motion(seed)
    body = [
        keypoints(character, motion, t / fps, height=height, width=width) for t in range(num_frames)
    ]
    points = np.zeros((num_frames, NUM_POINTS, 2), "float32")
    scores = np.zeros((num_frames, NUM_POINTS), "float32")
    points[:, BODY], scores[:, BODY] = body, 1.0
    return Poses(points, scores, height, width, fps)

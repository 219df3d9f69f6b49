"""Small poses for tests: a standing figure, made by hand."""

import numpy as np

from aa.poses import Poses
from aa.poses.skeleton import (
    BODY,
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NUM_POINTS,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

CHAINS = (
    (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
    (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
    (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE),
    (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE),
)
LEGS = (RIGHT_KNEE, RIGHT_ANKLE, LEFT_KNEE, LEFT_ANKLE)
ARMS = (RIGHT_ELBOW, RIGHT_WRIST, LEFT_ELBOW, LEFT_WRIST)
FOREARMS = ((RIGHT_ELBOW, RIGHT_WRIST), (LEFT_ELBOW, LEFT_WRIST))
SHINS = ((RIGHT_KNEE, RIGHT_ANKLE), (LEFT_KNEE, LEFT_ANKLE))
THIGHS = ((RIGHT_HIP, RIGHT_KNEE), (LEFT_HIP, LEFT_KNEE))

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


def waving(num_frames=30, **frame):
    """The standing figure, its arms swinging from its sides to level and back."""
    poses = standing(num_frames, **frame)
    points = poses.points.copy()
    for frame_, angle in enumerate(np.radians(np.linspace(0, 90, num_frames))):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        for shoulder, elbow, wrist, way in (
            (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, turn),
            (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST, turn.T),
        ):
            arm = STANDING[[elbow, wrist]] - STANDING[shoulder]
            points[frame_, [elbow, wrist]] = STANDING[shoulder] + arm @ way
    return poses.with_points(points)


def stretched(poses, factor, *bones):
    """The poses with bones, pairs of joints, of another length; what hangs on them moves along."""
    points = poses.points.copy()
    for start, end in bones:
        shift = (factor - 1) * (poses.points[:, end] - poses.points[:, start])
        chain = next(chain for chain in CHAINS if end in chain)
        for joint in chain[chain.index(end) :]:
            points[:, joint] += shift
    return poses.with_points(points)


def unseen(poses, *joints):
    """The poses without some joints."""
    scores = poses.scores.copy()
    scores[:, list(joints)] = 0
    return poses.with_points(poses.points, scores)


def moved(poses, scale=1.0, shift=(0, 0), size=None):
    """The poses scaled about the corner and shifted, in another frame."""
    height, width = size or (poses.height, poses.width)
    points = poses.points * scale + np.array(shift)
    return Poses(points.astype("float32"), poses.scores, height, width, poses.fps)


def lengths(poses, start, end):
    """Lengths of a bone in pixels [F]."""
    return np.hypot(*(poses.points[:, end] - poses.points[:, start]).T)

"""Which points of the detectors are which of ours (see `aa.poses.skeleton`).

Sources: MediaPipe's 33 points of a body and 21 of a hand (BlazePose, arXiv 2006.10204; MediaPipe
Hands, arXiv 2006.10214), its face mesh of 468 (arXiv 1907.06724), COCO-WholeBody's 133 (arXiv
2007.11858), dlib's 68 of a face (iBUG 300-W).
"""

import numpy as np

from aa.poses.skeleton import BODY, LEFT_SHOULDER, NECK, NUM_POINTS, RIGHT_SHOULDER

# MediaPipe's body: the points that are used by name.
MOUTH_LEFT, MOUTH_RIGHT = 9, 10
LEFT_EYE_OUTER, RIGHT_EYE_OUTER = 3, 6
NUM_BODY, CENTRE, TURN = 33, 33, 34  # the last two say where the body is in the next frame
# Of each hand: wrist, root of the little finger, root of the index finger.
LEFT_HAND_OF_BODY, RIGHT_HAND_OF_BODY = (15, 17, 19), (16, 18, 20)
FACE_OF_BODY = slice(0, 11)

# OpenPose's joints in MediaPipe's body; for the neck any number, it is derived.
BODY_FROM_MEDIAPIPE = (0, 0, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)

# dlib's points in the face mesh. The mesh's "right" is the person's own.
_JAW = (162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389)
_BROWS = (71, 63, 105, 66, 107, 336, 296, 334, 293, 301)
_NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)
FACE_FROM_MESH = (*_JAW, *_BROWS, *_NOSE, *_EYES, *_LIPS)
MESH_RIGHT_EYE, MESH_LEFT_EYE, MESH_NOSE = 33, 263, 4  # outer corners, tip

# Our 128 points in COCO-WholeBody: 17 of the body, 6 of the feet, 68 of the face, 21 of the left
# hand, 21 of the right; for the neck any number.
_BODY_FROM_COCO = (0, 0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
POINTS_FROM_WHOLEBODY = (*_BODY_FROM_COCO, *range(23, 133))


def body_from_mediapipe(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """OpenPose's 18 joints [18, 2] and their scores [18] of MediaPipe's [33, 2] and [33]."""
    order = list(BODY_FROM_MEDIAPIPE)
    return with_neck(points[order], scores[order])


def points_from_wholebody(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Our points [128, 2] and their scores [128] of COCO-WholeBody's [133, 2] and [133]."""
    order = list(POINTS_FROM_WHOLEBODY)
    return with_neck(points[order], scores[order])


def with_neck(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 2] and scores [N] with the neck between the shoulders, no surer than either."""
    points, scores = points.copy(), scores.copy()
    shoulders = [RIGHT_SHOULDER, LEFT_SHOULDER]
    points[NECK], scores[NECK] = points[shoulders].mean(axis=0), scores[shoulders].min()
    return points, scores


def no_points() -> tuple[np.ndarray, np.ndarray]:
    """Points [128, 2] and scores [128] of nobody."""
    return np.zeros((NUM_POINTS, 2), "float32"), np.zeros(NUM_POINTS, "float32")


assert len(BODY_FROM_MEDIAPIPE) == BODY.stop and len(POINTS_FROM_WHOLEBODY) == NUM_POINTS

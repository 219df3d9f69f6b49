"""Points of the detectors as ours."""

import numpy as np

from aa.poses.detectors import topology
from aa.poses.skeleton import (
    BODY,
    FACE,
    JOINTS,
    LEFT_HAND,
    MIRRORED,
    NECK,
    NOSE,
    RIGHT_HAND,
    RIGHT_WRIST,
)

MEDIAPIPE = (
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer "
    "left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index "
    "left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle "
    "left_heel right_heel left_foot_index right_foot_index"
)  # fmt: skip
COCO = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle"
)  # fmt: skip


def test_joints_are_taken_from_those_of_their_name():
    for table, names in (
        (topology.BODY_FROM_MEDIAPIPE, MEDIAPIPE),
        (topology.POINTS_FROM_WHOLEBODY[BODY], COCO),
    ):
        taken = [names.split()[number] for number in table]
        assert [*taken[:NECK], "neck", *taken[NECK + 1 :]] == list(JOINTS)


def test_the_neck_is_between_the_shoulders_and_no_surer_than_either():
    points, scores = np.zeros((33, 2)), np.ones(33)
    points[11], points[12], scores[12] = (10, 4), (2, 8), 0.5
    joints, sure = topology.body_from_mediapipe(points, scores)
    assert joints[NECK].tolist() == [6, 6] and sure[NECK] == 0.5


def test_points_of_the_whole_body_come_in_blocks():
    points = np.repeat(np.arange(133.0)[:, None], 2, axis=1)
    ours, scores = topology.points_from_wholebody(points, np.ones(133))
    assert ours.shape == (128, 2) and (scores == 1).all()
    assert ours[FACE, 0].tolist() == list(range(23, 91))  # after 17 of the body and 6 of the feet
    assert ours[LEFT_HAND, 0].tolist() == list(range(91, 112))
    assert ours[RIGHT_HAND, 0].tolist() == list(range(112, 133))
    assert ours[NOSE, 0] == 0 and ours[RIGHT_WRIST, 0] == 10


def test_no_point_of_the_mesh_serves_twice():
    assert len(set(topology.FACE_FROM_MESH)) == 68


def test_the_mesh_has_the_outer_corners_of_eyes_where_dlib_has_them():
    right, left = topology.FACE_FROM_MESH[36], topology.FACE_FROM_MESH[45]
    assert (right, left) == (topology.MESH_RIGHT_EYE, topology.MESH_LEFT_EYE)
    assert MIRRORED[FACE.start + 36] == FACE.start + 45

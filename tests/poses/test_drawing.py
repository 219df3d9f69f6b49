"""Poses as pictures, in DWPose's colours."""

import numpy as np

from aa.poses import DrawnPoses, draw_poses
from aa.poses.skeleton import FACE, LEFT_HAND, NECK, NOSE, RIGHT_ELBOW, RIGHT_WRIST
from tests.poses.figures import standing


def seen_only(poses, *points, score=1.0):
    """The poses with these points alone."""
    scores = np.zeros_like(poses.scores)
    scores[:, list(points)] = score
    return poses.with_points(poses.points, scores)


def test_a_joint_is_a_dot_of_its_colour_on_black():
    frame = draw_poses(seen_only(standing(), NOSE), height=500, width=300)[0]
    assert frame[77, 152].tolist() == [255, 0, 0]  # the nose at (30, 15), five times larger
    assert frame[77, 170].tolist() == [0, 0, 0]


def test_a_limb_has_six_tenths_of_its_colour():
    frame = draw_poses(seen_only(standing(), RIGHT_ELBOW, RIGHT_WRIST), height=500, width=300)[0]
    middle = ((37 + 48) / 2 + 0.5) * 5, ((20 + 19) / 2 + 0.5) * 5
    assert frame[int(middle[0]), int(middle[1])].tolist() == [153, 153, 0]


def test_a_limb_with_one_end_is_not_drawn():
    frame = draw_poses(seen_only(standing(), RIGHT_ELBOW), height=500, width=300)[0]
    assert not frame[212].any()  # half way to the wrist


def test_widths_follow_the_canvas():
    small, large = (
        (draw_poses(seen_only(standing(), NECK), height=h, width=w)[0].max(axis=2) > 127).sum()
        for h, w in ((1024, 1024), (2048, 2048))
    )
    assert 3.7 < large / small < 4.3
    assert 200 < small < 240  # a disc of radius 8 has 201 pixels, and its edge is soft


def test_what_was_seen_too_poorly_is_not_drawn():
    poses = seen_only(standing(), NOSE, score=0.4)
    assert draw_poses(poses).any()
    assert not draw_poses(poses, min_score=0.5).any()


def test_hands_are_blue_dots_and_the_face_white_ones_and_both_can_be_left_out():
    poses = standing(height=512, width=512)
    points, scores = poses.points.copy(), np.zeros_like(poses.scores)
    points[0, LEFT_HAND.start + 4], points[0, FACE.start] = (100, 200), (300, 200)
    scores[0, [LEFT_HAND.start + 4, FACE.start]] = 1
    poses = poses.with_points(points, scores)
    frame = draw_poses(poses)[0]
    assert frame[200, 100].tolist() == [0, 0, 255] and frame[200, 300].tolist() == [255] * 3
    assert not draw_poses(poses, hands=False, face=False).any()


def test_a_point_far_outside_harms_nothing():
    poses = standing()
    points = poses.points.copy()
    points[0, RIGHT_WRIST] = 1e9, -1e9
    assert draw_poses(poses.with_points(points)).any()


def test_frames_are_drawn_when_requested_and_are_the_same():
    poses = standing(20)
    drawn = DrawnPoses(poses, height=50, width=30)
    assert len(drawn) == 20
    whole = draw_poses(poses, height=50, width=30)
    assert np.array_equal(drawn[3:5], whole[3:5])

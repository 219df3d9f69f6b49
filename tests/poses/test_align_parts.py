"""Hands and faces on a picture's body; poses of which little is seen."""

import numpy as np
import pytest

from aa.poses import align_poses
from aa.poses.skeleton import FACE, LEFT_HAND, LEFT_WRIST, NOSE
from tests.poses.figures import FOREARMS, moved, standing, stretched, waving


def with_parts(poses):
    """The poses with faces and left hands: squares of 4 pixels about the nose, from the wrist."""
    points, scores = poses.points.copy(), poses.scores.copy()
    corners = np.array([(-2, -2), (2, -2), (2, 2), (-2, 2)])
    points[:, FACE] = points[:, NOSE, None] + np.tile(corners, (17, 1))
    points[:, LEFT_HAND] = points[:, LEFT_WRIST, None] + np.linspace(0, 4, 21)[:, None]
    scores[:, FACE] = scores[:, LEFT_HAND] = 1
    return poses.with_points(points, scores)


def test_hands_and_faces_follow_in_size():
    driving = with_parts(waving(10))
    aligned, _ = align_poses(driving, moved(driving, 3.0)[:1])
    np.testing.assert_allclose(
        aligned.points[aligned.seen], 3 * driving.points[driving.seen], atol=1e-2
    )


def test_a_hand_grows_no_more_than_a_quarter_beyond_the_whole():
    driving = with_parts(waving(60))
    aligned, report = align_poses(driving, stretched(driving, 2.0, *FOREARMS)[10:11])
    size = np.hypot(*(aligned.points[0, LEFT_HAND][20] - aligned.points[0, LEFT_WRIST]))
    assert size == pytest.approx(1.25 * report.scale * np.hypot(4, 4), rel=1e-3)


def test_a_larger_head_is_taken_from_the_picture_unless_the_driver_s_is_wanted():
    driving = with_parts(waving(40))
    points = driving.points.copy()
    head = [*range(14, 18), *range(FACE.start, FACE.stop)]
    points[:, head] = points[:, NOSE, None] + 1.5 * (points[:, head] - points[:, NOSE, None])
    reference = driving.with_points(points)[:1]
    widths = {
        face: np.ptp(align_poses(driving, reference, face=face)[0].points[0, FACE, 0])
        for face in ("reference", "driver")
    }
    assert widths == pytest.approx({"reference": 6, "driver": 4}, rel=0.05)
    assert not align_poses(driving, reference, face="none")[0].seen[:, FACE].any()


def test_an_expression_can_be_weakened():
    driving = with_parts(standing(5))
    points = driving.points.copy()
    points[2, FACE.start + 60] += (0, 3)  # a corner of the mouth
    aligned, _ = align_poses(driving.with_points(points), driving[:1], face_strength=0.5)
    moved_by = aligned.points[2, FACE.start + 60] - driving.points[2, FACE.start + 60]
    np.testing.assert_allclose(moved_by, (0, 1.5), atol=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_seen_poses_stay_finite_and_no_joint_appears(seed):
    rng = np.random.default_rng(seed)
    driving, reference = with_parts(waving(12)), with_parts(moved(standing(), 2.0))
    scores = driving.scores * (rng.random(driving.scores.shape) < rng.uniform(0.2, 1))
    scores[5, NOSE], scores[:3] = 1, scores[:3] * rng.integers(2)
    shown = reference.scores * (rng.random(reference.scores.shape) < rng.uniform(0.2, 1))
    shown[0, NOSE] = 1
    driving = driving.with_points(driving.points, scores)
    reference = reference.with_points(reference.points, shown)
    aligned, report = align_poses(driving, reference, camera="lock", fit="shrink")
    assert np.isfinite(aligned.points).all()
    assert (aligned.scores <= driving.scores).all()
    assert 0.5 < report.scale < 8

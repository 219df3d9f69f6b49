"""Where aligned bodies are: on the ground, in the air, near and far."""

import numpy as np
import pytest

from aa.poses import align_poses
from aa.poses.alignment.bones import Joints
from aa.poses.alignment.zoom import camera_zoom
from aa.poses.skeleton import BODY, LEFT_ANKLE, NECK, NOSE, RIGHT_ANKLE, RIGHT_HIP
from tests.poses.figures import (
    LEGS,
    SHINS,
    THIGHS,
    lengths,
    moved,
    standing,
    stretched,
    unseen,
    waving,
)

ANKLES = [RIGHT_ANKLE, LEFT_ANKLE]
REST = [joint for joint in range(BODY.stop) if joint not in LEGS]


def crouching(num_frames=40):
    """The standing figure crouching and rising: its feet stay, its knees take half of the way."""
    poses = standing(num_frames)
    points = poses.points.copy()
    down = 5 - 5 * np.cos(np.linspace(0, 4 * np.pi, num_frames))
    points[:, REST, 1] += down[:, None]
    points[:, [9, 12], 1] += down[:, None] / 2
    return poses.with_points(points)


def jumping(num_frames=40, height=20.0):
    """The standing figure that jumps in the middle third of the clip."""
    poses = standing(num_frames)
    up = height * np.sin(np.pi * np.clip(np.linspace(-1, 2, num_frames), 0, 1))
    return poses.with_points(poses.points - np.stack([0 * up, up], axis=1)[:, None]), up


def test_standing_feet_neither_slide_nor_leave_the_ground():
    driving = crouching()
    reference = stretched(standing(), 0.8, *SHINS, *THIGHS)
    aligned, _ = align_poses(driving, reference)
    feet = aligned.points[:, ANKLES]
    assert np.abs(np.diff(feet, axis=0)).max() < 0.3
    np.testing.assert_allclose(feet[..., 1], reference.points[0, RIGHT_ANKLE, 1], atol=0.3)


def test_a_jump_stays_a_jump_of_the_whole_s_scale():
    driving, up = jumping()
    reference = moved(driving, 2.0, (10, 5), size=(300, 200))[:1]
    aligned, _ = align_poses(driving, reference)
    np.testing.assert_allclose(aligned.points[:, RIGHT_ANKLE, 1], 185 - 2 * up, atol=1e-3)


def test_a_jump_of_somebody_with_shorter_legs_leaves_the_ground_and_comes_back():
    driving, up = jumping()
    reference = stretched(standing(), 0.8, *SHINS, *THIGHS)  # its ankles are at 82
    aligned, report = align_poses(driving, reference)
    np.testing.assert_allclose(82 - aligned.points[:, RIGHT_ANKLE, 1], report.scale * up, atol=1)


def test_without_feet_in_the_picture_there_is_no_ground():
    driving = crouching()
    reference = unseen(moved(standing(), 2.0, size=(90, 120)), *LEGS)
    aligned, _ = align_poses(driving, reference)
    way = driving.points[:, NECK] - driving.points[0, NECK]
    np.testing.assert_allclose(
        aligned.points[:, NECK] - aligned.points[0, NECK], 2 * way, atol=1e-3
    )


def test_without_hips_in_the_picture_the_neck_is_where_the_body_hangs():
    driving = waving(10)
    reference = unseen(moved(driving, 2.0, (7, 9)), *LEGS, RIGHT_HIP)[:1]
    aligned, _ = align_poses(driving, reference)
    np.testing.assert_allclose(aligned.points[0, NECK], reference.points[0, NECK], atol=1e-3)


def zooming(num_frames=50):
    """The standing figure that a camera comes nearer to by half, about the frame's middle."""
    poses = standing(num_frames)
    zoom = np.linspace(1, 1.5, num_frames)[:, None, None]
    middle = np.array([29.5, 49.5])
    return poses.with_points(middle + zoom * (poses.points - middle)), zoom[:, 0, 0]


def test_the_camera_s_zoom_is_kept_or_locked():
    driving, zoom = zooming()
    reference = standing()
    kept, locked = (
        align_poses(driving, reference, camera=camera)[0] for camera in ("keep", "lock")
    )
    torso = lengths(reference, NECK, RIGHT_HIP)[0]
    np.testing.assert_allclose(lengths(kept, NECK, RIGHT_HIP), torso * zoom, rtol=0.01)
    np.testing.assert_allclose(lengths(locked, NECK, RIGHT_HIP), torso, rtol=0.01)
    np.testing.assert_allclose(locked.points[:, NOSE], reference.points[[0] * 50, NOSE], atol=0.5)


def test_bones_are_measured_at_the_zoom_of_the_first_frame():
    driving, _ = zooming()
    _, report = align_poses(driving, standing())
    assert report.scale == pytest.approx(1, rel=0.01)


def test_a_turning_body_is_no_zoom():
    turning = standing(50)
    points = turning.points.copy()
    points[..., 0] = 30 + np.cos(np.linspace(0, 1.4, 50))[:, None] * (points[..., 0] - 30)
    zoom = camera_zoom(Joints.of(turning.with_points(points)), 25.0)
    assert (zoom == 1).all()

"""Poses on a picture's body: which bones are how long."""

import numpy as np
import pytest

from aa.errors import UserError
from aa.poses import align_poses
from aa.poses.skeleton import (
    BODY,
    LEFT_ELBOW,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_WRIST,
)
from tests.poses.figures import (
    ARMS,
    FOREARMS,
    LEGS,
    SHINS,
    lengths,
    moved,
    standing,
    stretched,
    unseen,
    waving,
)


@pytest.mark.parametrize("mode", ["none", "scale", "limbs"])
@pytest.mark.parametrize("figure", [standing(1), standing(20), waving(20)])
def test_poses_aligned_to_themselves_stay(figure, mode):
    aligned, _ = align_poses(figure, figure[:1], mode=mode)
    np.testing.assert_allclose(aligned.points, figure.points, atol=1e-3)
    assert (aligned.seen == figure.seen).all()


@pytest.mark.parametrize("mode", ["scale", "limbs"])
def test_another_size_and_place_are_found_exactly(mode):
    driving = waving(20)
    truth = moved(driving, 2.5, (40, -12), size=(300, 220))
    aligned, report = align_poses(driving, truth[:1], mode=mode)
    np.testing.assert_allclose(aligned.points[:, BODY], truth.points[:, BODY], atol=1e-3)
    assert report.scale == pytest.approx(2.5)
    assert (aligned.height, aligned.width, aligned.fps) == (300, 220, 25)


def test_forearms_twice_as_long_come_out_twice_as_long():
    driving = waving(60)
    truth = stretched(driving, 2.0, *FOREARMS)
    aligned, report = align_poses(driving, truth[10:11])
    np.testing.assert_allclose(lengths(aligned, RIGHT_ELBOW, RIGHT_WRIST), 22, atol=1)
    assert report.ratios["left forearm"].value == pytest.approx(2, rel=0.05)
    assert report.ratios["left upper arm"].value == pytest.approx(1, rel=0.01)


def test_no_bone_is_more_than_twice_as_long_as_the_whole_wants_it():
    driving = waving(60)
    _, report = align_poses(driving, stretched(driving, 5.0, *FOREARMS)[10:11])
    assert report.ratios["left forearm"].value == pytest.approx(2 * report.scale)


def test_only_the_size_of_the_whole_counts_by_scale():
    driving = waving(60)
    _, report = align_poses(driving, stretched(driving, 2.0, *FOREARMS)[10:11], mode="scale")
    assert {ratio.value for ratio in report.ratios.values()} == {report.scale}


def test_foreshortening_in_the_first_frame_makes_no_bone_long():
    driving = waving(40)
    points = driving.points.copy()
    points[0] = stretched(driving[:1], 0.3, *FOREARMS, *SHINS).points[0]
    aligned, _ = align_poses(driving.with_points(points), driving[:1])
    np.testing.assert_allclose(lengths(aligned, LEFT_ELBOW, LEFT_WRIST)[1:], 11.05, atol=0.2)


def test_bones_that_point_at_the_camera_in_both_are_left_alike():
    both = stretched(waving(40), 0.4, *FOREARMS)
    _, report = align_poses(both, both[5:6])
    assert report.ratios["right forearm"].value == pytest.approx(1)


def test_a_hidden_arm_is_as_long_as_its_twin():
    driving = waving(40)
    longer = stretched(driving, 1.3, (LEFT_SHOULDER, LEFT_ELBOW), (LEFT_ELBOW, LEFT_WRIST))
    _, report = align_poses(driving, unseen(longer[:1], RIGHT_ELBOW, RIGHT_WRIST))
    ratio = report.ratios["right forearm"]
    assert (ratio.how, ratio.doubt) == ("twin", "hidden")
    assert ratio.value == report.ratios["left forearm"].value == pytest.approx(1.3, rel=0.03)


def test_without_arms_in_the_picture_they_are_scaled_as_the_whole():
    driving = waving(40)
    aligned, report = align_poses(driving, unseen(moved(driving, 2.0)[:1], *ARMS))
    assert report.ratios["right forearm"].how == "whole"
    np.testing.assert_allclose(lengths(aligned, RIGHT_ELBOW, RIGHT_WRIST), 22.09, atol=0.01)


def test_legs_out_of_the_picture_are_kept_and_scaled_as_the_whole():
    driving = waving(40)
    aligned, _ = align_poses(driving, unseen(moved(driving, 2.0)[:1], *LEGS))
    assert aligned.seen[:, list(LEGS)].all()
    np.testing.assert_allclose(lengths(aligned, RIGHT_HIP, RIGHT_KNEE), 40.05, atol=0.01)


def test_limbs_that_the_picture_does_not_show_can_be_dropped():
    driving = waving(10)
    aligned, _ = align_poses(driving, unseen(driving[:1], *LEGS), unseen="drop")
    assert not aligned.seen[:, list(LEGS)].any()
    assert aligned.seen[:, list(ARMS)].all()


def test_what_the_driver_does_not_show_is_not_invented():
    driving = unseen(waving(10), *LEGS)
    aligned, _ = align_poses(driving, standing())
    assert not aligned.seen[:, list(LEGS)].any()


def test_a_wrist_without_its_elbow_hangs_on_the_shoulder():
    driving = waving(10)
    aligned, _ = align_poses(unseen(driving, LEFT_ELBOW), moved(driving, 2.0)[:1])
    np.testing.assert_allclose(
        aligned.points[:, LEFT_WRIST], 2 * driving.points[:, LEFT_WRIST], atol=1e-3
    )


def test_frames_without_hips_hang_on_the_neck():
    driving = waving(10)
    scores = driving.scores.copy()
    scores[4:6, RIGHT_HIP] = 0
    aligned, _ = align_poses(driving.with_points(driving.points, scores), driving[:1])
    seen = aligned.seen
    np.testing.assert_allclose(aligned.points[seen], driving.points[seen], atol=1e-3)


def test_without_alignment_the_frame_is_fitted_into_the_picture_in_the_middle():
    driving = standing(2)  # 100 high, 60 wide
    aligned, report = align_poses(driving, moved(driving, size=(200, 220))[:1], mode="none")
    np.testing.assert_allclose(
        aligned.points[0, NOSE], (2 * 30.5 - 0.5 + 50, 2 * 15.5 - 0.5), atol=1e-3
    )
    assert (report.scale, report.ratios) == (2, {})


def test_a_picture_of_nobody_is_refused():
    with pytest.raises(UserError, match="the picture shows nobody"):
        align_poses(standing(3), unseen(standing(), *range(18)))


def test_a_video_of_nobody_is_refused():
    with pytest.raises(UserError, match="the driving video shows nobody"):
        align_poses(unseen(standing(3), *range(18)), standing())


def test_a_head_and_a_pair_of_hips_have_nothing_to_align_by():
    head, hips = unseen(standing(), *range(1, 14)), unseen(standing(3), *range(8), *range(14, 18))
    with pytest.raises(UserError, match="share no hips, neck or nose"):
        align_poses(hips, head)

"""What an alignment says of itself: words, shares, JSON, a picture."""

import json

import numpy as np
import pytest

from aa.poses import align_poses, draw_overlay
from aa.poses.alignment.coverage import coverage
from aa.poses.skeleton import (
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_WRIST,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_WRIST,
)
from tests.poses.figures import LEGS, THIGHS, moved, standing, stretched, unseen, waving

BELOW_CHEST = (RIGHT_HIP, LEFT_HIP, *LEGS)


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ((), "full"),
        ((RIGHT_ANKLE, 13), "knees"),
        (LEGS, "hips"),
        (BELOW_CHEST, "chest"),
        ((*BELOW_CHEST, *range(1, 8)), "head"),
        (range(18), "none"),
    ],
)
def test_how_much_a_picture_shows(hidden, expected):
    assert coverage(unseen(standing(), *hidden)) == expected


def test_joints_beyond_the_picture_s_edge_are_not_shown():
    assert coverage(moved(standing(), size=(80, 60))) == "knees"


def test_equal_bodies_in_equal_views_want_no_warning():
    assert align_poses(waving(20), waving(20)[3:4])[1].warnings == []


def test_a_seated_reference_is_named_and_its_thighs_are_not_used():
    driving = waving(40)
    picture = moved(stretched(driving, 0.3, *THIGHS), shift=(0, 30), size=(130, 60))
    _, report = align_poses(driving, picture[:1])
    assert report.warnings == [
        "the reference sits, the driver stands: choose another picture or frame.",
        "right thigh: foreshortened in the picture; the ratio of the limb's other bone used.",
        "left thigh: foreshortened in the picture; the ratio of the limb's other bone used.",
    ]
    assert report.ratios["right thigh"].value == pytest.approx(1, rel=0.01)


def test_a_seated_driver_makes_no_long_thighs():
    driving = stretched(waving(40), 0.3, *THIGHS)
    _, report = align_poses(driving, standing())
    assert report.warnings[0].startswith("the driver sits, the reference stands")
    assert report.ratios["right thigh"].value == pytest.approx(1, rel=0.01)


def test_both_sitting_is_no_mistake():
    both = stretched(waving(40), 0.3, *THIGHS)
    assert align_poses(both, both[:1])[1].warnings == []


def test_a_direction_that_no_frame_has_is_said():
    driving = waving(40)
    points = driving.points[:1].copy()
    points[0, RIGHT_WRIST] = points[0, RIGHT_ELBOW] + (0, -11.05)  # straight up
    _, report = align_poses(driving, driving[:1].with_points(points))
    assert report.warnings == ["right forearm: no frame of its direction; the twin's ratio used."]
    assert report.ratios["right forearm"].value == pytest.approx(1, rel=0.01)


def test_a_hidden_arm_is_said():
    driving = waving(40)
    _, report = align_poses(driving, unseen(driving[:1], LEFT_WRIST))
    assert report.warnings == ["left forearm: hidden; the twin's ratio used."]


def test_a_picture_that_shows_less_is_said():
    _, report = align_poses(waving(10), unseen(standing(), *BELOW_CHEST))
    assert report.coverage == {"driving": "full", "reference": "chest"}
    assert report.warnings[0].startswith(
        "driver shows the full body, picture shows the chest and head: what the picture does not"
    )


def test_a_driver_that_shows_less_is_said():
    _, report = align_poses(unseen(waving(10), *LEGS), standing())
    assert report.warnings[0].startswith(
        "driver shows the body down to the hips, picture shows the full body"
    )


def leaving():
    """A driver who reaches out of the narrow picture in the second half of the clip."""
    driving = waving(20)
    driving.points[10:, [LEFT_ELBOW, LEFT_WRIST]] += (20, 0)
    return driving


def test_the_share_of_joints_that_leave_the_picture_is_said_with_the_scale_that_fits():
    aligned, report = align_poses(leaving(), standing())
    x = aligned.points[..., 0][aligned.seen]
    assert report.outside == pytest.approx(((x < -0.5) | (x > 59.5)).mean())
    assert report.outside > 0.05
    assert f"{100 * report.outside:.0f} % of the joints leave the picture" in report.warnings[-1]


def test_shrinking_keeps_all_but_strays_in_the_picture_and_feet_on_the_ground():
    aligned, report = align_poses(leaving(), standing(), fit="shrink")
    x = aligned.points[..., 0][aligned.seen]
    assert ((x < -0.5) | (x > 59.5)).mean() < 0.011
    assert report.fits < 1
    np.testing.assert_allclose(aligned.points[:, RIGHT_ANKLE, 1], 90, atol=1e-3)


def test_legs_that_the_picture_ends_above_do_not_count_as_leaving_it():
    reference = unseen(moved(standing(), 2.0, size=(110, 130)), *LEGS)
    _, report = align_poses(standing(5), reference)
    assert report.outside == 0


def test_the_report_is_json():
    report = align_poses(waving(10), standing())[1]
    values = json.loads(json.dumps(report.to_dict()))
    assert values["mode"] == "limbs"
    assert values["ratios"]["torso"] == {"value": 1.0, "frames": 10, "how": "measured", "doubt": ""}


def test_the_overlay_shows_the_first_pose_over_a_darker_picture():
    picture = np.full((100, 60, 3), 200, np.uint8)
    overlay = draw_overlay(picture, standing(3), standing())
    assert overlay[15, 30].tolist() == [255, 0, 0]  # the nose's dot
    assert overlay[2, 2].tolist() == [90, 90, 90]
    assert picture[2, 2, 0] == 200

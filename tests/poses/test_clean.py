"""Cleaning: what it takes away, and what it leaves alone."""

import numpy as np
import pytest

from aa.poses import clean_poses
from aa.poses.clean import figure_height
from aa.poses.skeleton import BODY, LEFT_WRIST, MIRRORED, NOSE, RIGHT_ANKLE, RIGHT_WRIST
from tests.poses.figures import moving, standing


def with_noise(poses, share, seed=0):
    """The poses with normal noise of this share of the figure's height on every point."""
    noise = np.random.default_rng(seed).normal(size=poses.points.shape)
    return poses.with_points(poses.points + noise * share * figure_height(poses))


def error(poses, truth):
    """Root of the mean originald distance of the joints, as a share of the figure's height."""
    distances = (poses.points - truth.points)[:, BODY]
    return np.sqrt((distances**2).sum(axis=-1).mean()) / figure_height(truth)


def changed(poses, frames, joint, move):
    """The poses with a joint moved in some frames."""
    points = poses.points.copy()
    points[frames, joint] += move
    return poses.with_points(points)


def hidden(poses, frames, joint):
    scores = poses.scores.copy()
    scores[frames, joint] = 0
    return poses.with_points(poses.points, scores)


def swapped(poses, frames):
    """The poses with left and right exchanged in some frames."""
    points, scores = poses.points.copy(), poses.scores.copy()
    points[frames], scores[frames] = points[frames][:, MIRRORED], scores[frames][:, MIRRORED]
    return poses.with_points(points, scores)


@pytest.mark.parametrize("seed", range(4))
def test_more_than_half_of_the_noise_goes(seed):
    truth = moving(seed)
    noisy = with_noise(truth, 0.02, seed)
    assert error(clean_poses(noisy)[0], truth) < 0.5 * error(noisy, truth)


def test_a_turning_point_stays_within_a_frame_of_its_place():
    truth = standing(101)
    swing = 40 * np.cos(2 * np.pi * np.arange(101) / 25)  # pixels; once a second, turns at 0, 12.5
    points = truth.points.copy()
    points[:, RIGHT_WRIST, 1] += swing
    truth = truth.with_points(points)
    cleaned = clean_poses(with_noise(truth, 0.02))[0].points[:, RIGHT_WRIST, 1]
    for turn in (25, 50, 75):
        assert abs(cleaned[turn - 8 : turn + 9].argmax() - 8) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_clean_motion_stays_as_it_is(seed):
    truth = moving(seed)
    cleaned, report = clean_poses(truth)
    moves = np.linalg.norm(cleaned.points - truth.points, axis=-1)
    assert moves.max() < 0.003 * figure_height(truth)
    assert (report.flipped, report.jumps, report.filled) == (0, 0, 0)


def test_a_cut_is_not_smoothed_over():
    truth = standing(40)
    points = truth.points.copy()
    points[20:, :, 0] += 20
    poses = truth.with_points(points)
    assert np.abs(clean_poses(with_noise(poses, 0.005))[0].points - points)[:, BODY].max() < 3


def test_a_point_that_leaves_and_comes_back_is_put_between_its_neighbours():
    truth = moving()
    cleaned, report = clean_poses(changed(truth, [40, 41], RIGHT_WRIST, 150), smooth=0)
    assert (report.jumps, report.filled) == (2, 2)
    assert np.abs(cleaned.points - truth.points)[40:42, RIGHT_WRIST].max() < 3
    assert np.array_equal(cleaned.points[:, NOSE], truth.points[:, NOSE])


def test_quick_swings_are_no_jumps():
    truth = standing(60)
    points = truth.points.copy()
    points[:, RIGHT_WRIST, 1] += 25 * np.sin(2 * np.pi * np.arange(60) / 6)  # four times a second
    assert clean_poses(truth.with_points(points))[1].jumps == 0


def test_a_short_gap_is_filled_and_a_long_one_left():
    truth = moving(fps=25.0)
    poses = hidden(hidden(truth, slice(10, 17), LEFT_WRIST), slice(40, 48), LEFT_WRIST)
    cleaned, report = clean_poses(poses)  # 0.3 s are 7 frames
    assert cleaned.seen[10:17, LEFT_WRIST].all()
    assert not cleaned.seen[40:48, LEFT_WRIST].any()
    assert report.filled == 7


def test_a_gap_at_the_end_is_left():
    cleaned, _ = clean_poses(hidden(moving(), slice(97, 100), LEFT_WRIST))
    assert not cleaned.seen[97:, LEFT_WRIST].any()


def test_sides_that_are_swapped_for_some_frames_are_swapped_back():
    truth = moving(1)
    cleaned, report = clean_poses(swapped(truth, slice(30, 40)), smooth=0)
    assert report.flipped == 10
    assert np.array_equal(cleaned.points, truth.points)


def test_swapped_sides_at_the_start_are_swapped_back():
    truth = moving(1)
    cleaned, report = clean_poses(swapped(truth, slice(0, 5)), smooth=0)
    assert report.flipped == 5 and np.array_equal(cleaned.points, truth.points)


def test_legs_alone_can_be_swapped():
    truth = moving(1)
    points = truth.points.copy()
    legs = [8, 9, 10, 11, 12, 13]
    points[20:24, legs] = points[20:24][:, [11, 12, 13, 8, 9, 10]]
    cleaned, report = clean_poses(truth.with_points(points), smooth=0)
    assert report.flipped == 4 and np.array_equal(cleaned.points, truth.points)


def test_somebody_who_shows_the_back_after_a_cut_is_not_flipped():
    truth = moving(1)
    cleaned, report = clean_poses(swapped(truth, slice(50, 100)), smooth=0)
    assert report.flipped == 0
    assert np.array_equal(cleaned.points[50:], truth.points[50:][:, MIRRORED])


def test_somebody_who_turns_round_is_not_flipped():
    truth = standing(75)
    points = truth.points.copy()
    middle = points[:, BODY, 0].mean()
    turn = np.cos(np.linspace(0, np.pi, 75))  # half round in three seconds
    points[:, BODY, 0] = middle + (points[:, BODY, 0] - middle) * turn[:, None]
    poses = truth.with_points(points)
    assert clean_poses(poses)[1].flipped == 0


@pytest.mark.parametrize("size", [(800, 600), (100, 75)])
def test_what_is_done_does_not_depend_on_the_size(size):
    poses = with_noise(moving(), 0.02).resized(*size)
    original = with_noise(moving(), 0.02)
    moved = [clean_poses(p)[1].moved for p in (poses, original)]
    assert moved[0] == pytest.approx(moved[1], rel=1e-3)


def test_each_step_can_be_left_out():
    truth = moving(1)
    poses = hidden(swapped(changed(truth, 60, RIGHT_WRIST, 150), slice(30, 40)), [80], RIGHT_ANKLE)
    cleaned, report = clean_poses(poses, flips=False, jumps=False, gaps=0, smooth=0)
    assert np.array_equal(cleaned.points, poses.points)
    assert (report.flipped, report.jumps, report.filled, report.moved) == (0, 0, 0, 0)


def test_what_was_seen_poorly_is_dropped():
    poses = standing(1)
    scores = poses.scores.copy()
    scores[0, NOSE] = 0.2
    cleaned, report = clean_poses(poses.with_points(poses.points, scores))
    assert report.dropped == 1 and not cleaned.seen[0, NOSE]


def test_one_frame_and_nobody_are_no_trouble():
    poses = standing(1)
    assert np.array_equal(clean_poses(poses)[0].points, poses.points)
    nobody = poses.with_points(poses.points, 0 * poses.scores)
    assert not clean_poses(nobody)[0].seen.any()

"""Rotated squares of a frame."""

import numpy as np
import pytest

from aa.poses.detectors.regions import Region, around, level, upright, whole


def test_corners_of_an_upright_region_are_where_its_size_says():
    region = Region(np.array([10.0, 20.0]), 4.0)
    corners = region.to_frame(np.array([[0.0, 0], [1, 1]]))
    assert corners.tolist() == [[8, 18], [12, 22]]


def test_a_quarter_turn_clockwise_shows_what_is_right_on_top():
    region = Region(np.array([10.0, 20.0]), 4.0, np.pi / 2)
    assert region.to_frame(np.array([0.5, 0.0])) == pytest.approx([12, 20])


def test_there_and_back_is_the_same_place():
    region = Region(np.array([3.0, 5.0]), 7.0, 0.4)
    points = np.array([[1.0, 2], [30, -4]])
    assert region.to_frame(region.from_frame(points)) == pytest.approx(points)


def test_a_crop_of_the_same_size_is_the_frame():
    frame = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    assert np.array_equal(whole(frame).crop(frame, 4), frame)


def test_a_crop_beyond_the_frame_is_black():
    crop = Region(np.array([3.5, 1.5]), 4.0).crop(np.full((4, 4, 3), 200, "uint8"), 4)
    assert (crop[:, :2] == 200).all() and not crop[:, 2:].any()


def test_a_crop_that_is_turned_shows_the_point_where_it_maps_to():
    frame = np.zeros((40, 40, 3), "uint8")
    frame[10:13, 30:33] = 255  # about (31, 11)
    region = Region(np.array([20.0, 20.0]), 36.0, 0.7)
    rows, columns = np.nonzero(region.crop(frame, 72)[..., 0] > 127)
    middle = (np.array([columns.mean(), rows.mean()]) + 0.5) / 72
    assert region.to_frame(middle) == pytest.approx([31, 11], abs=0.2)


def test_a_crop_of_a_large_frame_averages_what_it_leaves_out():
    stripes = np.zeros((80, 80, 3), "uint8")
    stripes[:, ::2] = 200
    crop = whole(stripes).crop(stripes, 20)
    assert (crop == 100).all()


def test_a_region_is_upright_along_a_way():
    assert upright(np.array([5.0, 9]), np.array([5.0, 1])) == 0
    assert upright(np.zeros(2), np.array([3.0, 0])) == pytest.approx(np.pi / 2)  # to the right
    assert level(np.zeros(2), np.array([0.0, 3])) == pytest.approx(np.pi / 2)  # downwards


def test_the_square_about_points_has_their_longer_side():
    region = around(np.array([[0.0, 0], [4, 2]]), angle=0.0, scale=1.5, down=-0.5)
    assert region.size == 6 and region.centre.tolist() == [2, 0]


def test_the_square_about_points_turns_with_them():
    points = np.array([[0.0, 0], [2, 4]])  # [[0, 0], [4, -2]] turned by a quarter, clockwise
    region = around(points, angle=np.pi / 2, scale=1.0, down=0.5)
    assert region.size == pytest.approx(4)
    assert region.centre == pytest.approx([0, 2])  # half its height of 2 to its own "down": left

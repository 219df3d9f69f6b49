"""Boxes out of a detector with anchors, by hand."""

import numpy as np
import pytest

from aa.poses.detectors import body, hands
from aa.poses.detectors.anchors import decode, make_anchors, merge, overlap


def test_two_anchors_a_cell_stand_in_its_middle_row_by_row():
    anchors = make_anchors(4, ((2, 2),))
    assert anchors.tolist() == [
        *([[0.25, 0.25]] * 2), *([[0.75, 0.25]] * 2), *([[0.25, 0.75]] * 2), *([[0.75, 0.75]] * 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "layers", "number"), [(224, body.ANCHORS, 2254), (192, hands.ANCHORS, 2016)]
)
def test_the_networks_have_as_many_anchors_as_boxes(size, layers, number):
    anchors = make_anchors(size, layers)
    assert len(anchors) == number
    assert anchors[0].tolist() == [4 / size, 4 / size]  # the middle of the first cell of 8 pixels


def test_a_box_is_decoded_from_its_anchor():
    anchors = np.array([[0.5, 0.5], [0.1, 0.1]])
    values = np.array([[10.0, -10, 40, 20, 5, 0], [0, 0, 1, 1, 0, 0]])
    (found,) = decode(values, np.array([[2.0], [-2.0]]), anchors, size=100)
    assert found.box == pytest.approx([0.4, 0.3, 0.8, 0.5])
    assert found.keypoints[0] == pytest.approx([0.55, 0.5])
    assert found.score == pytest.approx(0.880797)  # the second has 0.12


def test_nothing_is_found_where_no_score_is_high():
    assert decode(np.zeros((2, 6)), np.full((2, 1), -200.0), np.zeros((2, 2)), size=10) == []


def test_overlap_is_intersection_over_union():
    boxes = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [0, 0, 0, 0]])
    assert overlap(boxes[0], boxes) == pytest.approx([1, 1 / 7, 0, 0])


def test_boxes_of_one_thing_become_their_weighted_mean():
    boxes = np.array([[0.0, 0, 1, 1], [0, 0, 1, 1.5], [5, 5, 6, 6]])
    keypoints = np.array([[[0.0, 0]], [[3, 3]], [[7, 7]]])
    first, second = merge(boxes, keypoints, np.array([0.9, 0.6, 0.7]))
    assert first.box == pytest.approx([0, 0, 1, 1.2])  # weights 0.6 and 0.4
    assert first.keypoints[0] == pytest.approx([1.2, 1.2]) and first.score == 0.9
    assert second.box.tolist() == [5, 5, 6, 6]

"""Bodies, hands and faces: where they are looked for, and whether they are one."""

import numpy as np
import pytest

from aa.poses.detectors import body, face, hands
from aa.poses.detectors.hands import Hand
from aa.poses.detectors.limbs import HandPair
from aa.poses.detectors.person import Person, apart, within
from aa.poses.skeleton import BODY
from tests.poses.figures import standing


def open_hand(wrist=(0.0, 0.0), presence=0.9):
    """A hand that points up: fingers beside each other, four points each, 10 pixels long."""
    points = np.zeros((21, 2))
    for finger in range(5):
        points[4 * finger + 1 : 4 * finger + 5] = [(finger - 2, -4.0 - 2 * k) for k in range(4)]
    return Hand(points + wrist, presence)


def test_the_region_of_a_body_is_the_circle_about_it_and_a_margin():
    region = body.body_region(np.array([[50.0, 60], [50, 20]]))
    assert (region.centre.tolist(), region.size, region.angle) == ([50, 60], 100, 0)


def test_a_point_goes_to_the_middle_of_the_heat_about_it():
    heat = np.full((16, 16, 2), -20.0)
    heat[4, 7, 0] = heat[4, 8, 0] = 5.0
    points = body.refined(np.array([[0.4, 0.3], [0.4, 0.3]]), heat)
    assert points[0] == pytest.approx(
        [(7.5 + body.TO_MIDDLE) / 16, (4 + body.TO_MIDDLE) / 16], abs=1e-3
    )
    assert points[1].tolist() == [0.4, 0.3]  # all is cold


def test_a_point_beyond_the_heat_stays():
    points = np.array([[1.2, 0.5]])
    assert body.refined(points, np.full((16, 16, 1), 5.0)).tolist() == points.tolist()


def test_a_hand_is_looked_for_about_itself_the_wrist_below():
    region = open_hand().region
    assert region.angle == pytest.approx(0) and region.size == pytest.approx(2 * 8)
    assert region.centre == pytest.approx([0, -4 - 0.8])  # a tenth of its height up


def test_a_hand_belongs_to_the_wrist_beside_it():
    assert hands.belongs(open_hand(), np.array([0.0, 5]))
    assert not hands.belongs(open_hand(), np.array([0.0, 30]))
    assert not hands.belongs(open_hand(presence=0.4), np.zeros(2))


def test_two_hands_in_one_place_are_one():
    assert hands.are_one(open_hand(), open_hand((1.0, 0)))
    assert not hands.are_one(open_hand(), open_hand((8.0, 0)))


class SameHand:
    """A network that sees one hand wherever it looks."""

    def find(self, frame, region):
        return []

    def look(self, frame, region):
        return open_hand((50.0, 50.0))


def test_both_arms_do_not_get_the_same_hand():
    points, scores = np.full((33, 2), 50.0), np.ones(33)
    points[15] = 53, 50  # the left wrist is farther from the hand than the right one
    pair = HandPair(SameHand())
    left, right = pair.look(np.zeros((9, 9, 3), "uint8"), body.Body(points, scores, 1.0, None))
    assert left is None and right is not None


def test_a_hand_is_not_looked_for_at_a_wrist_that_is_not_seen():
    unseen = body.Body(np.full((33, 2), 50.0), np.zeros(33), 1.0, None)
    assert HandPair(SameHand()).look(np.zeros((9, 9, 3), "uint8"), unseen) == [None, None]


def test_the_region_of_a_face_is_about_eyes_and_mouth():
    points = np.zeros((33, 2))
    points[6], points[3], points[10], points[9] = (40, 30), (60, 30), (45, 50), (55, 50)
    region = face.rough_region(points)
    assert region.centre.tolist() == [50, 40] and region.size == face.ROUGH_MARGIN * 20


def test_a_point_outside_the_frame_is_not_seen():
    points = np.array([[0.0, 0], [-1, 0], [9.4, 4], [9.5, 4], [4, 5]])
    assert within(points, np.ones(5), height=5, width=10).tolist() == [1, 0, 1, 0, 0]


def test_how_far_bodies_are_apart_is_said_in_sizes_of_the_smaller():
    poses = standing()
    first = Person(poses.points[0], poses.scores[0])
    second = Person(poses.points[0] + (38.5, 0), poses.scores[0])
    assert apart(first, second) == pytest.approx(0.5)  # 77 pixels from eye to ankle
    nobody = np.zeros_like(poses.scores[0])
    assert apart(first, Person(second.points, nobody)) == np.inf
    assert second.points[BODY].shape == (18, 2)

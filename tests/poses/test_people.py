"""Who is who over the frames, and who is chosen."""

import numpy as np
import pytest

from aa.errors import UserError
from aa.poses.detectors.person import Person
from aa.poses.people import Following, choose_person
from aa.poses.skeleton import NECK
from tests.poses.figures import standing

FIGURE = standing()  # 77 pixels high, its neck at (30, 25)


def person(x, *, size=1.0, y=0.0):
    """The standing figure, its neck at x, larger or smaller."""
    points = (FIGURE.points[0] - (30, 25)) * size + (x, 25 + y)
    return Person(points, FIGURE.scores[0])


def followed(*frames, fps=10.0, cuts=()):
    following = Following(fps)
    for number, people in enumerate(frames):
        following.add(people, cut=number in cuts)
    return following.people(200, 300)


def necks(poses):
    """x of somebody's neck in each frame; None where nobody is."""
    return [
        round(float(points[NECK, 0])) if scores.any() else None
        for points, scores in zip(poses.points, poses.scores, strict=True)
    ]


def test_people_are_followed_whatever_order_they_are_found_in():
    first, second = followed(
        [person(200), person(50)], [person(52), person(198)], [person(196), person(54)]
    )
    assert necks(first) == [50, 52, 54]  # from the left, where both came at once
    assert necks(second) == [200, 198, 196]
    assert (first.height, first.width, first.fps) == (200, 300, 10.0)


def test_people_who_cross_stay_themselves():
    ways = [(20 * k, 200 - 20 * k) for k in range(11)]
    first, second = followed(*[[person(a), person(b)] for a, b in ways])
    assert necks(first) == [a for a, _ in ways]
    assert necks(second) == [b for _, b in ways]


def test_who_comes_later_has_a_later_number():
    frames = [[person(100)], *[[person(20), person(100)]] * 3]
    first, second = followed(*frames)
    assert necks(first) == [100] * 4 and necks(second) == [None, 20, 20, 20]


def test_who_is_lost_for_a_moment_comes_back_as_the_same():
    there, lost = [person(50), person(250)], [person(50)]
    _, second = followed(*[there] * 3, *[lost] * 5, *[[person(50), person(262)]] * 3)
    assert necks(second) == [250] * 3 + [None] * 5 + [262] * 3


@pytest.mark.parametrize(
    ("back", "words"),
    [({"x": 130}, "far away"), ({"x": 250, "size": 0.5}, "of another size")],
)
def test_who_comes_back_elsewhere_or_of_another_size_is_another(back, words):
    there, lost = [person(50), person(250)], [person(50)]
    people = followed(*[there] * 3, *[lost] * 3, *[[person(50), person(**back)]] * 3)
    assert len(people) == 3, words


def test_after_more_than_a_second_a_person_is_another_one():
    there, lost = [person(50), person(250)], [person(50)]
    assert len(followed(*[there] * 3, *[lost] * 12, *[there] * 3)) == 3


def test_somebody_alone_is_waited_for_longer():
    (one,) = followed(*[[person(50)]] * 3, *[[]] * 30, *[[person(55)]] * 3)
    assert one.seen[:, NECK].sum() == 6


def test_after_a_cut_people_are_told_by_their_order_from_the_left():
    before, after = [person(50), person(250)], [person(160, size=2), person(90, size=2)]
    first, second = followed(*[before] * 3, *[after] * 3, cuts=[3])
    assert necks(first) == [50] * 3 + [90] * 3 and necks(second) == [250] * 3 + [160] * 3


def test_after_a_cut_to_fewer_people_the_largest_stay():
    before = [person(50, size=0.7), person(250)]
    first, second = followed(*[before] * 3, *[[person(100, size=2)]] * 3, cuts=[3])
    assert necks(first) == [50] * 3 + [None] * 3 and necks(second) == [250] * 3 + [100] * 3


def test_without_a_cut_nobody_jumps():
    assert len(followed(*[[person(50)]] * 3, *[[person(200)]] * 3)) == 2


def test_who_is_there_for_one_frame_is_nobody():
    frames = [[person(50)]] * 10
    frames[4] = [person(50), person(200)]
    assert len(followed(*frames)) == 1


def test_a_single_frame_has_its_people():
    assert len(followed([person(50), person(200)])) == 2


def three():
    """A small one on the left, a large one in the middle, a small one on the right."""
    frame = [person(30, size=0.5), person(150), person(260, size=0.6)]
    return followed(*[frame] * 4)


@pytest.mark.parametrize(
    ("which", "neck"),
    [("largest", 150), ("left", 30), ("right", 260), ("0", 30), (1, 150), ("2", 260)],
)
def test_a_person_is_chosen_by_size_place_or_number(which, neck):
    assert necks(choose_person(three(), which))[0] == neck


def test_largest_counts_how_long_somebody_is_seen():
    small, large = person(50, size=0.8), person(200)
    people = followed(*[[small, large]] * 4, *[[small]] * 6)
    assert necks(choose_person(people, "largest"))[0] == 50


def test_left_is_nobody_who_is_seen_for_a_short_time():
    people = followed(*[[person(20), person(200)]] * 4, *[[person(200)]] * 6)
    assert necks(choose_person(people, "left"))[0] == 200


@pytest.mark.parametrize("which", ["3", "middle", -1])
def test_a_person_who_is_not_there_is_refused_in_words(which):
    with pytest.raises(UserError, match=f"person={which}: 3 found, expected .* from 0 to 2"):
        choose_person(three(), which)


def test_two_runs_number_people_alike():
    rng = np.random.default_rng(0)
    frames = [[person(x) for x in rng.permutation([40, 140, 240])] for _ in range(6)]
    assert [necks(p) for p in followed(*frames)] == [[x] * 6 for x in (40, 140, 240)]

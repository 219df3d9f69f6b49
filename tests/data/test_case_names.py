"""Every case has files of its own, whatever its picture and its pose video are called."""

import os
import re

import pytest

from aa.data.case_names import BESIDE, LONGEST, distinct_names


def test_a_name_is_that_of_the_picture_and_of_the_video():
    assert distinct_names([("a/ann.png", "b/walk.mp4")]) == ["ann_walk"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("ann.png", "a/walk.mp4"), ("ann.png", "b/walk.mp4")),
        (("ann.png", "walk.mp4"), ("ann.jpg", "walk.mp4")),
        (("ann.png", "walk.mp4"), ("Ann.png", "Walk.mp4")),
        (("ann_b.png", "c.mp4"), ("ann.png", "b_c.mp4")),
        (("ann.png", "dance.mp4"), ("ann.png", f"dance{BESIDE}.mp4")),
        (("ann.png", f"dance{BESIDE}.mp4"), ("ann.png", "dance.mp4")),
        (("ann.png", "caf\u00e9.mp4"), ("ann.png", "cafe\u0301.mp4")),
    ],
)
def test_of_two_that_would_share_a_file_the_second_has_a_hash(first, second):
    plain, other = distinct_names([first, second])
    assert plain == distinct_names([first])[0]
    assert re.fullmatch(re.escape(distinct_names([second])[0]) + "_[0-9a-f]{8}", other)
    assert other != plain + BESIDE


def test_names_do_not_depend_on_what_else_is_in_the_list():
    pairs = [("ann.png", f"{folder}/walk.mp4") for folder in "abc"]
    assert distinct_names([*pairs, ("bob.png", "turn.mp4")])[:3] == distinct_names(pairs)


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f483"])
def test_a_name_that_is_too_long_is_cut_and_has_a_hash(letter):
    pairs = [("ann.png", letter * 240 + end) for end in ("1.mp4", "2.mp4")]
    one, two = distinct_names(pairs)
    assert one != two
    assert max(len(os.fsencode(name)) for name in (one, two)) <= LONGEST
    assert one.startswith("ann_" + letter)


def test_the_longest_name_can_be_written_under_its_temporary_name(tmp_path):
    name = distinct_names([("a.png", "x" * 250)])[0]
    file = tmp_path / f".{name}{BESIDE}.mp4.4194304.part"
    file.touch()
    assert file.is_file()

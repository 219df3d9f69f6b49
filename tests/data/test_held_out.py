"""Which clips are held out of training, and the timesteps they are measured at."""

import os

import numpy as np
import pytest

from aa.data.held_out import hold_out
from aa.data.manifest import Clip
from aa.data.sampling import spread_timesteps
from aa.errors import UserError


def clips(root, names="abcdefgh"):
    return [Clip(root / "video" / f"{n}.mp4", root / "video_dwpose" / f"{n}.mp4") for n in names]


def names(found):
    return [clip.video.stem for clip in found]


def test_the_same_clips_are_held_out_wherever_the_data_set_lies(tmp_path):
    here, there = tmp_path / "here", tmp_path / "a" / "there"
    held_out = [names(hold_out(clips(root), 3, root=root)[1]) for root in (here, there)]
    assert held_out[0] == held_out[1]
    assert len(set(held_out[0])) == 3


def test_their_order_in_the_list_changes_nothing(tmp_path):
    forwards, backwards = clips(tmp_path), clips(tmp_path)[::-1]
    assert hold_out(forwards, 3, root=tmp_path)[1] == hold_out(backwards, 3, root=tmp_path)[1]


def test_of_more_clips_held_out_the_first_are_the_same(tmp_path):
    few, more = (hold_out(clips(tmp_path), n, root=tmp_path)[1] for n in (2, 4))
    assert more[:2] == few


def test_what_is_left_to_train_on_keeps_its_order(tmp_path):
    every = clips(tmp_path)
    rest, held_out = hold_out(every, 3, root=tmp_path)
    assert rest == [clip for clip in every if clip not in held_out]


def test_without_a_number_the_list_is_as_it_was(tmp_path):
    twice = clips(tmp_path, "aab")
    assert hold_out(twice, 0, root=tmp_path) == (twice, [])


def test_a_video_that_is_listed_more_than_once_is_in_no_training_item(tmp_path):
    (tmp_path / "video").mkdir()
    (tmp_path / "video" / "a.mp4").touch()
    os.symlink("a.mp4", tmp_path / "video" / "link.mp4")
    rest, held_out = hold_out(clips(tmp_path, ["link", "a", "b", "a"]), 1, root=tmp_path)
    assert (names(rest), names(held_out)) == (["b"], ["a"])


def test_one_clip_must_be_left_to_train_on(tmp_path):
    with pytest.raises(UserError, match=r"has 2 videos, and one must be left.*use at most 1"):
        hold_out(clips(tmp_path, "aab"), 2, root=tmp_path)


def timesteps(num_items, **options):
    every = [spread_timesteps(k, num_items, num_train_timesteps=1000, **options) for k in range(4)]
    return np.stack(every)


def test_the_timesteps_of_all_items_are_the_middles_of_equal_parts():
    found = timesteps(4, num_frames=2, in_order=True)
    assert found.tolist() == [[125, 125], [375, 375], [625, 625], [875, 875]]


def test_single_frames_have_timesteps_of_their_own_far_apart():
    found = timesteps(4, num_frames=2, in_order=False)
    assert sorted(found.flatten()) == [62, 187, 312, 437, 562, 687, 812, 937]
    assert (found[:, 1] - found[:, 0] == 500).all()

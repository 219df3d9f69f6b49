"""Items of a stream: which frames they show, and at which noise levels."""

import numpy as np
import pytest

from aa.config.stream import StreamWindow
from aa.data.clips import ValidationItems
from aa.data.sampling import ORDINARY_SHARE, draw_stream_frames, draw_timesteps
from tests.data.test_clips import frame_numbers, grey_clip, make_dataset

WINDOW = StreamWindow(steps=2, chunk=1)  # 4 frames


def draw(length, stride=1, seed=0, window=WINDOW):
    return draw_stream_frames(np.random.default_rng(seed), length, window, frame_stride=stride)[0]


def test_the_anchor_lies_anywhere_before_a_run():
    drawn = [draw(20, seed=seed) for seed in range(200)]
    assert all(np.diff(frames[1:]).tolist() == [1, 1] for frames in drawn)
    assert {frames[1] - frames[0] for frames in drawn} == set(range(1, 18))
    assert all(frames[0] >= 0 and frames[-1] < 20 for frames in drawn)


def test_both_take_the_stride_or_the_largest_that_fits():
    wide = StreamWindow(steps=1, chunk=2)  # 6 frames
    first, second, *others = draw(12, stride=2, window=wide)
    assert (second - first, np.diff(others).tolist()) == (2, [2, 2, 2])
    assert draw(6, stride=2, window=wide) == list(range(6))


def test_most_items_have_the_levels_of_the_window_and_the_others_one_level():
    rng = np.random.default_rng(0)
    options = {"num_frames": 4, "in_order": True, "stream_window": WINDOW}
    drawn = [draw_timesteps(rng, 1000, **options).tolist() for _ in range(400)]
    others = [timesteps for timesteps in drawn if timesteps != [0, 0, 499, 999]]
    assert all(len(set(timesteps)) == 1 for timesteps in others)
    assert len(others) / 400 == pytest.approx(ORDINARY_SHARE, abs=0.05)


def test_an_item_shows_anchor_and_run_with_their_own_poses(tmp_path):
    dataset = make_dataset([grey_clip(tmp_path, "a")], stream_window=WINDOW)
    for item in (dataset[k] for k in range(4)):
        numbers = frame_numbers(item["pose_pixels"])
        np.testing.assert_array_equal(numbers, frame_numbers((item["pixel_values"] + 1) / 2))
        assert numbers[0] < numbers[1]
        assert len(set(np.diff(numbers[1:]))) == 1


def test_all_items_of_a_validation_have_the_levels_of_the_window(tmp_path):
    dataset = make_dataset([grey_clip(tmp_path, "a")], stream_window=WINDOW)
    items = ValidationItems(dataset)
    assert {tuple(items[k]["timesteps"]) for k in range(8)} == {(0, 0, 499, 999)}


def test_without_a_stream_timesteps_are_drawn_as_they_always_were():
    rng, same = (np.random.default_rng(3) for _ in range(2))
    found = draw_timesteps(rng, 1000, num_frames=5, in_order=False)
    np.testing.assert_array_equal(found, same.integers(1000, size=5))

"""Windows cover every frame; by default none joins the end of a video to its start."""

import numpy as np
import pytest

from aa.config.sampling import SamplingOptions
from aa.inference import windows
from aa.inference.windows import WindowSchedule

SHAPES = [
    (frames, size, overlap, stride)
    for frames in (1, 2, 6, 7, 10, 61)
    for size, overlap in ((1, 0), (6, 0), (6, 4), (24, 4))
    for stride in (1, 2, 3)
]


def sampling(size, overlap, closed_loop=False, **context):
    named = {f"context_{key}": value for key, value in context.items()}
    return SamplingOptions(
        context_frames=size, context_overlap=overlap, closed_loop=closed_loop, **named
    )


def context_windows(frames, **options):
    return windows.context_windows(frames, sampling(**options))


def schedule(frames, size, overlap, **options):
    return WindowSchedule(frames, sampling(size, overlap, **options))


@pytest.mark.parametrize("closed_loop", [False, True])
@pytest.mark.parametrize(("frames", "size", "overlap", "stride"), SHAPES)
def test_every_frame_is_covered_and_no_window_is_empty(frames, size, overlap, stride, closed_loop):
    windows = context_windows(
        frames, size=size, overlap=overlap, stride=stride, closed_loop=closed_loop
    )
    assert all(0 < len(window) <= size for window in windows)
    assert {frame for window in windows for frame in window} == set(range(frames))


@pytest.mark.parametrize(("frames", "size", "overlap", "stride"), SHAPES)
def test_no_window_joins_the_end_to_the_start(frames, size, overlap, stride):
    for window in context_windows(frames, size=size, overlap=overlap, stride=stride):
        assert window == sorted(set(window))


def test_a_short_video_is_one_window():
    assert context_windows(1, size=24, overlap=4) == [[0]]
    assert context_windows(6, size=6, overlap=4, stride=2, closed_loop=True) == [[0, 1, 2, 3, 4, 5]]


def test_neighbours_share_the_overlap():
    assert context_windows(10, size=6, overlap=4) == [
        [0, 1, 2, 3, 4, 5],
        [2, 3, 4, 5, 6, 7],
        [4, 5, 6, 7, 8, 9],
    ]


def test_the_last_window_ends_with_the_last_frame():
    assert context_windows(8, size=6, overlap=3) == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7]]


def test_a_closed_loop_is_the_published_uniform_schedule():
    assert context_windows(10, size=6, overlap=4, closed_loop=True) == [
        [0, 1, 2, 3, 4, 5],
        [2, 3, 4, 5, 6, 7],
        [4, 5, 6, 7, 8, 9],
        [6, 7, 8, 9, 0, 1],
        [8, 9, 0, 1, 2, 3],
    ]


def test_the_second_dilation_takes_every_other_frame():
    windows = context_windows(12, size=6, overlap=4, stride=2)
    assert windows == [
        [0, 1, 2, 3, 4, 5],
        [2, 3, 4, 5, 6, 7],
        [4, 5, 6, 7, 8, 9],
        [6, 7, 8, 9, 10, 11],
        [0, 2, 4, 6, 8, 10],
        [1, 3, 5, 7, 9, 11],
    ]


def test_a_closed_loop_of_two_dilations_is_the_published_one():
    windows = context_windows(10, size=6, overlap=4, stride=2, closed_loop=True)
    assert windows[5:] == [[0, 2, 4, 6, 8, 0], [8, 0, 2, 4, 6, 8]]


def test_a_video_without_room_for_a_dilation_does_without():
    # ceil(log2(7 / 6)) + 1 = 2 dilations at most, and 6 frames two apart span 11.
    assert context_windows(7, size=6, overlap=4, stride=3) == context_windows(7, size=6, overlap=4)


@pytest.mark.parametrize("closed_loop", [False, True])
@pytest.mark.parametrize("blend", ["mean", "pyramid"])
@pytest.mark.parametrize(("frames", "size", "overlap", "stride"), SHAPES)
def test_the_weights_of_every_frame_add_up_to_one_wherever_the_windows_begin(
    frames, size, overlap, stride, closed_loop, blend
):
    options = {"stride": stride, "closed_loop": closed_loop, "shift": True, "blend": blend}
    for step in range(4):
        windows, weights = schedule(frames, size, overlap, **options).at(step)
        total = np.zeros(frames)
        for window, share in zip(windows, weights, strict=True):
            np.add.at(total, window, share)
        np.testing.assert_allclose(total, 1, atol=1e-6)


def test_shifted_windows_begin_elsewhere_in_every_step():
    starts = [[w[0] for w in schedule(16, 6, 2, shift=True).at(step)[0]] for step in range(4)]
    # 4 frames from window to window; earlier by 0, 1/2, 1/4 and 3/4 of them.
    assert starts == [[0, 4, 8, 10], [0, 2, 6, 10], [0, 3, 7, 10], [0, 1, 5, 9, 10]]


def test_windows_that_do_not_shift_are_the_same_in_every_step():
    windows = [schedule(16, 6, 2).at(step)[0] for step in range(3)]
    assert windows[0] == windows[1] == windows[2]


def test_a_pyramid_counts_a_frame_by_its_distance_from_the_ends_of_its_windows():
    _, (first, second) = schedule(6, 4, 2, blend="pyramid").at(0)
    # Frames 2 and 3 are the third and fourth of the first window, the first and second of the next.
    np.testing.assert_allclose(first, [1, 1, 2 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(second, [1 / 3, 2 / 3, 1, 1], atol=1e-6)


def test_around_a_short_loop_the_last_visit_of_a_frame_counts():
    windows, weights = schedule(10, 6, 4, stride=2, closed_loop=True).at(0)
    twice = windows.index([0, 2, 4, 6, 8, 0])
    assert weights[twice][0] == 0 < weights[twice][5]

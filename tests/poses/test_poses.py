"""Poses as a value and as a file."""

import numpy as np
import pytest

from aa.errors import UserError
from aa.poses import Poses
from aa.poses.skeleton import (
    HAND_BONES,
    LEFT_HAND,
    MIRRORED,
    NECK,
    NUM_POINTS,
    RIGHT_HAND,
    RIGHT_WRIST,
)
from tests.poses.figures import standing


def changed(path, **arrays):
    """Write the file anew with other arrays; None leaves one out."""
    with np.load(path) as old:
        content = {**old, **arrays}
    np.savez(path, **{k: v for k, v in content.items() if v is not None})


def test_a_file_gives_the_same_poses_back(tmp_path):
    poses = standing(3, fps=29.97)
    poses.save(tmp_path / "a.npz")
    read = Poses.load(tmp_path / "a.npz")
    assert np.array_equal(read.points, poses.points) and np.array_equal(read.scores, poses.scores)
    assert (read.height, read.width, read.fps, len(read)) == (100, 60, 29.97, 3)


def test_the_same_poses_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        standing(2).save(tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_file_is_edited_by_its_parts_names(tmp_path):
    path = tmp_path / "a.npz"
    standing().save(path)
    with np.load(path) as arrays:
        body = arrays["body"].copy()
    body[0, RIGHT_WRIST] = 5, 6, 1
    changed(path, body=body)
    assert Poses.load(path).points[0, RIGHT_WRIST].tolist() == [5, 6]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"version": 2}, "version 2"),
        ({"version": None}, "version none"),
        ({"body": np.zeros((1, 17, 3))}, r"body is float64 \[1, 17, 3\]"),
        ({"face": None}, "face is nothing"),
        ({"face": np.zeros((2, 68, 3))}, r"expected numbers \[1, 68, 3\]"),
        ({"body": np.full((1, 18, 3), np.nan)}, "no numbers"),
        ({"body": np.full((1, 18, 3), 2.0)}, "scores from 0 to 1"),
        ({"fps": 0.0}, "at 0 per second"),
        ({"size": np.array([0, 60])}, "60x0"),
    ],
)
def test_a_file_of_something_else_is_refused_in_words(tmp_path, arrays, words):
    path = tmp_path / "a.npz"
    standing().save(path)
    changed(path, **arrays)
    with pytest.raises(UserError, match=words):
        Poses.load(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no zip")
    with pytest.raises(UserError, match="no file of poses"):
        Poses.load(tmp_path / "a.npz")
    with pytest.raises(UserError, match="no such file"):
        Poses.load(tmp_path / "b.npz")


def test_a_file_with_objects_runs_nothing(tmp_path):
    np.savez(tmp_path / "a.npz", body=np.array([{}], dtype=object))
    with pytest.raises(UserError, match="no file of poses"):
        Poses.load(tmp_path / "a.npz")


def test_a_frame_of_twice_the_size_has_its_points_at_twice_the_place():
    large = standing().resized(200, 120)
    # Whole numbers are pixel centres: (30, 25) is at (30.5, 25.5) from the corner.
    assert large.points[0, NECK].tolist() == [60.5, 50.5]
    assert (large.height, large.width) == (200, 120)


def test_mirroring_twice_changes_nothing():
    mirrored = np.array(MIRRORED)
    assert mirrored[mirrored].tolist() == list(range(NUM_POINTS))
    assert mirrored[LEFT_HAND].tolist() == list(range(NUM_POINTS))[RIGHT_HAND]


def test_a_hand_has_five_chains_from_the_wrist():
    assert HAND_BONES[:5] == ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5))
    assert sorted(end for _, end in HAND_BONES) == list(range(1, 21))

"""Where a loss looks closer: face and hands, from keypoints beside the clips."""

from pathlib import Path

import numpy as np
import pytest

from aa.data.manifest import Clip, read_manifest
from aa.errors import ClipError, UserError
from aa.poses.parts import PartMasks, check_keypoints, draw_parts, keypoints_file
from aa.poses.poses import Poses
from aa.poses.skeleton import FACE, LEFT_ELBOW, LEFT_HAND, LEFT_WRIST, NUM_POINTS
from aa.puppets.clips import clip_seeds, draw_character, draw_motion, make_puppets
from aa.puppets.figure import place_joints


def poses(points, frames=1):
    """Poses of 40x60 pixels in which only these points {number: (x, y)} were seen."""
    values, scores = np.zeros([frames, NUM_POINTS, 2]), np.zeros([frames, NUM_POINTS])
    for number, place in points.items():
        values[:, number], scores[:, number] = place, 1
    return Poses(values.astype("float32"), scores.astype("float32"), 40, 60, 8.0)


def test_a_face_is_a_disc_round_its_points():
    corners = [(20, 10), (30, 10), (20, 20), (30, 20)]
    mask = draw_parts(poses({FACE.start + i: c for i, c in enumerate(corners)}), 0)
    assert mask.shape == (40, 60)
    rows, columns = np.nonzero(mask)
    assert (rows.mean(), columns.mean()) == pytest.approx((15, 25), abs=0.5)
    assert all(mask[y, x] for x, y in corners)


def test_a_hand_without_points_is_a_disc_beyond_the_wrist():
    rows, columns = np.nonzero(draw_parts(poses({LEFT_ELBOW: (10, 20), LEFT_WRIST: (30, 20)}), 0))
    assert (rows.mean(), columns.mean()) == pytest.approx((20, 34), abs=0.5)
    assert columns.max() == 39


def test_points_of_a_hand_go_before_the_forearm():
    forearm = {LEFT_ELBOW: (10, 20), LEFT_WRIST: (30, 20)}
    fingers = {LEFT_HAND.start + i: (50 + i, 30 - i) for i in range(3)}
    _, columns = np.nonzero(draw_parts(poses(forearm | fingers), 0))
    assert columns.min() > 45


def test_what_was_not_seen_is_nowhere():
    assert not draw_parts(poses({LEFT_WRIST: (30, 20)}), 0).any()


def test_keypoints_lie_beside_the_videos():
    clip = Clip(Path("/set/video/a/b.mp4"), Path("/set/video_dwpose/a/b.mp4"))
    assert keypoints_file(clip) == Path("/set/keypoints/a/b.npz")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A generated clip of 3 frames of 64x64."""
    folder = tmp_path_factory.mktemp("parts") / "set"
    sizes = {"num_clips": 1, "num_frames": 3, "height": 64, "width": 64, "fps": 8, "seed": 0}
    return read_manifest(make_puppets(folder, **sizes, progress=False))[0]


def test_masks_of_a_generated_clip_cover_head_and_hands(clip):
    masks = PartMasks((32, 32), 4)(clip, [0, 2])
    assert (masks.shape, masks.dtype) == ((1, 2, 8, 8), np.float32)
    seed, _ = clip_seeds(0, 0)
    joints = place_joints(draw_character(seed), draw_motion(seed), 2 / 8, height=64, width=64)
    for name in ("head", "left_wrist", "right_wrist"):
        x, y = joints[name] // 8
        assert masks[0, 1, int(y), int(x)] > 0.1, name
    assert 0.02 < masks.mean() < 0.15


def test_a_clip_with_more_frames_than_keypoints_is_named(clip):
    with pytest.raises(ClipError, match=r"00000\.npz: has 3 frames, .*00000\.mp4 more"):
        PartMasks((32, 32), 4)(clip, [3])


def test_clips_without_keypoints_are_named(tmp_path):
    clips = [Clip(tmp_path / "video" / "a.mp4", tmp_path / "video_dwpose" / "a.mp4")]
    with pytest.raises(UserError, match=r"1 are missing: .*keypoints/a\.npz\. `python runners"):
        check_keypoints(clips)


def test_a_folder_of_puppets_without_keypoints_is_drawn_anew_when_they_are_needed(tmp_path):
    sizes = {"num_clips": 1, "num_frames": 2, "height": 16, "width": 16, "fps": 8, "seed": 0}
    file = tmp_path / "set" / "keypoints" / "00000.npz"
    make_puppets(tmp_path / "set", **sizes, progress=False)
    file.unlink()
    make_puppets(tmp_path / "set", **sizes, progress=False)
    assert not file.exists()
    make_puppets(tmp_path / "set", **sizes, keypoints=True, progress=False)
    assert len(Poses.load(file)) == 2

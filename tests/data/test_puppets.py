import numpy as np
import pytest
from conftest import flat_frames, write_video

from aa.data.manifest import read_manifest
from aa.data.puppets import (
    clip_seeds,
    draw_character,
    draw_motion,
    keypoints,
    make_puppets,
    render_frame,
    render_pose,
)
from aa.data.video import VideoReader
from aa.errors import UserError

SIZE = {"height": 64, "width": 64}
SETTINGS = dict(num_clips=1, num_frames=3, height=32, width=32, fps=8, seed=0, progress=False)


def test_a_seed_gives_the_same_character_and_motion_every_time():
    first = render_frame(draw_character(3), draw_motion(4), 0.5, **SIZE)
    second = render_frame(draw_character(3), draw_motion(4), 0.5, **SIZE)
    np.testing.assert_array_equal(first, second)


def test_two_characters_in_one_motion_look_different():
    first, second = (render_frame(draw_character(n), draw_motion(4), 0, **SIZE) for n in (1, 2))
    assert np.abs(first.astype(int) - second).mean() > 10


def test_joints_stay_inside_the_frame_nearly_always():
    inside = []
    for seed in range(20):
        for t in np.arange(16) / 4:
            points = keypoints(draw_character(seed), draw_motion(seed), t, **SIZE)
            inside.append((points >= 0) & (points < 64))
    assert np.array(inside).shape == (320, 18, 2)
    assert np.mean(inside) > 0.99


def test_motion_is_smooth():
    character, motion = draw_character(0), draw_motion(0)
    path = np.stack([keypoints(character, motion, t, **SIZE) for t in np.arange(48) / 24])
    assert np.linalg.norm(np.diff(path, axis=0), axis=-1).max() < 6  # pixels a frame of 1/24 s


def test_each_joint_is_a_dot_of_its_own_rainbow_colour():
    angles = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    points = np.stack([32 + 26 * np.cos(angles), 32 + 26 * np.sin(angles)], axis=1).round()
    pose = render_pose(points, **SIZE)
    x, y = points.astype(int).T
    assert pose[y[0], x[0]].tolist() == [255, 0, 0]  # nose
    assert pose[y[9], x[9]].tolist() == [0, 255, 255]  # right knee
    assert pose[y[17], x[17]].tolist() == [255, 0, 85]  # left ear
    assert pose[0, 0].tolist() == [0, 0, 0]


def test_limbs_are_drawn_at_six_tenths():
    points = np.full((18, 2), 60.0)
    points[2], points[3] = (10, 20), (50, 20)  # the right upper arm, limb 2 of the rainbow
    assert render_pose(points, **SIZE)[20, 30].tolist() == [153, 102, 0]


def test_a_data_set_holds_the_promised_clips(puppets, puppet_clips):
    assert puppets.name == "puppets_meta.json"
    assert [clip.video.name for clip in puppet_clips] == ["00000.mp4", "00001.mp4", "00002.mp4"]
    for path in (puppet_clips[2].video, puppet_clips[2].pose):
        reader = VideoReader(path)
        facts = (reader.num_frames, reader.fps, reader.height, reader.width)
        assert facts == (12, 8, 64, 64)


def test_the_truth_of_a_clip_can_be_drawn_again(puppet_clips):
    character, motion = (
        draw(seed)
        for draw, seed in zip((draw_character, draw_motion), clip_seeds(7, 1), strict=True)
    )
    truth = render_frame(character, motion, 5 / 8, **SIZE)
    written = VideoReader(puppet_clips[1].video).read([5])[0]
    assert np.abs(truth.astype(int) - written).mean() < 7  # H.264 halves the colour resolution


def test_the_same_parameters_use_the_folder_as_it_is(tmp_path):
    manifest = make_puppets(tmp_path / "puppets", **SETTINGS)
    video = read_manifest(manifest)[0].video
    before = video.stat().st_mtime_ns
    assert make_puppets(tmp_path / "puppets", **SETTINGS) == manifest
    assert video.stat().st_mtime_ns == before


def test_other_parameters_replace_the_folder(tmp_path):
    make_puppets(tmp_path / "puppets", **SETTINGS)
    manifest = make_puppets(tmp_path / "puppets", **SETTINGS | {"num_frames": 5})
    assert VideoReader(read_manifest(manifest)[0].video).num_frames == 5
    assert [path.name for path in tmp_path.iterdir()] == ["puppets"]


def test_an_incomplete_folder_is_drawn_anew(tmp_path):
    manifest = make_puppets(tmp_path / "puppets", **SETTINGS)
    read_manifest(manifest)[0].pose.unlink()
    assert make_puppets(tmp_path / "puppets", **SETTINGS) == manifest
    assert len(read_manifest(manifest)) == 1


def test_a_folder_of_other_things_is_never_replaced(tmp_path):
    write_video(tmp_path / "holiday.mp4", flat_frames(2))
    with pytest.raises(UserError, match="holds no puppets"):
        make_puppets(tmp_path, **SETTINGS)


def test_a_folder_that_cannot_be_written_is_a_user_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        make_puppets(tmp_path / "file" / "puppets", **SETTINGS)

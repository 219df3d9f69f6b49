from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from aa.data.manifest import read_manifest
from aa.data.transforms import fit_frames
from aa.data.video import VideoReader
from aa.errors import UserError
from aa.puppets.clips import (
    PARTS,
    SPLITS,
    clip_seeds,
    draw_character,
    draw_motion,
    dressed,
    keypoints,
    make_puppets,
    render_frame,
    render_parts,
    render_pose,
    render_room,
)
from tests.data.conftest import flat_frames, write_video

SIZE = {"height": 64, "width": 64}
SETTINGS = dict(num_clips=1, num_frames=3, height=32, width=32, fps=8, seed=0, progress=False)


def test_a_seed_gives_the_same_character_and_motion_every_time():
    first = render_frame(draw_character(3), draw_motion(4), 0.5, **SIZE)
    second = render_frame(draw_character(3), draw_motion(4), 0.5, **SIZE)
    np.testing.assert_array_equal(first, second)


def test_two_characters_in_one_motion_look_different():
    first, second = (render_frame(draw_character(n), draw_motion(4), 0, **SIZE) for n in (1, 2))
    assert np.abs(first.astype(int) - second).mean() > 10


def test_a_figure_of_a_set_is_in_no_clip_of_another_set():
    held_out, _ = clip_seeds(0, 5, split="test")
    figures = [dressed(0, clip_seeds(0, n)[0], figure=5, accessory="none") for n in range(3)]
    assert figures == [draw_character(held_out)] * 3


def test_a_hat_is_drawn_on_the_head_and_counts_as_the_figure():
    plain, motion = draw_character(3), draw_motion(4)
    hatted = replace(plain, accessory="hat")
    changed = render_frame(plain, motion, 0, **SIZE) != render_frame(hatted, motion, 0, **SIZE)
    nose = keypoints(plain, motion, 0, **SIZE)[0]
    rows, columns, _ = np.nonzero(changed)
    assert rows.max() < nose[1]
    assert np.abs(columns - nose[0]).max() < 12
    more = (render_parts(hatted, motion, 0, **SIZE) > 0).sum()
    assert more > (render_parts(plain, motion, 0, **SIZE) > 0).sum() + 30


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


def test_no_split_and_no_data_set_has_a_seed_of_another():
    most = 2**32 - 1  # of a data set's seed and of a clip's number
    ends = [
        (clip_seeds(seed, 0, split=split)[part], clip_seeds(seed, most, split=split)[part])
        for split in SPLITS
        for seed in (0, 1, 2, most)
        for part in (0, 1)
    ]
    characters, motions = ends[::2], ends[1::2]
    for ranges in (characters, motions):  # each from its first clip's seed to its last one's
        assert all(last - first == most for first, last in ranges)
        assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_splits_have_other_characters_and_motions():
    seeds = [clip_seeds(5, n, split=split) for split in SPLITS for n in range(20)]
    looks = {draw_character(character) for character, _ in seeds}
    motions = {draw_motion(motion).centres["turn"] for _, motion in seeds}
    assert len(looks) == len(motions) == 60


def test_videos_of_twice_the_size_come_near_the_truth(tmp_path):
    size = {"height": 128, "width": 128}
    manifest = make_puppets(tmp_path / "puppets", **SETTINGS | size)
    character, motion = draw_clip(0, 0)
    truth = np.stack([render_frame(character, motion, n / 8, **size) for n in range(3)])
    written = VideoReader(read_manifest(manifest)[0].video).read(range(3))
    fitted = [fit_frames(frames, (64, 64), fit="pad").astype(int) for frames in (truth, written)]
    assert np.abs(fitted[0] - fitted[1]).mean() < 3  # 2.0 of 255 in the mean over 20 clips


def test_many_clips_are_drawn_alike_by_one_process_and_by_several(tmp_path, monkeypatch):
    settings = SETTINGS | {"num_clips": 4, "num_frames": 2, "height": 16, "width": 16}
    alone = make_puppets(tmp_path / "alone", **settings)
    monkeypatch.setattr("aa.puppets.clips.CLIPS_A_PROCESS", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    together = make_puppets(tmp_path / "together", **settings)
    for clip, same in zip(read_manifest(alone), read_manifest(together), strict=True):
        assert clip.video.read_bytes() == same.video.read_bytes()
        assert clip.pose.read_bytes() == same.pose.read_bytes()


def draw_clip(seed, number):
    character, motion = clip_seeds(seed, number)
    return draw_character(character), draw_motion(motion)


def test_parts_say_where_each_colour_of_the_character_is():
    for number in range(5):
        character, motion = draw_clip(0, number)
        frame = render_frame(character, motion, 0.5, height=512, width=512)
        parts = render_parts(character, motion, 0.5, height=512, width=512)
        for label, part in enumerate(PARTS[2:], start=2):
            seen = frame[parts == label]
            own = (seen == getattr(character, part)).all(axis=1)
            assert part == "accent" or own.size > 100
            assert own.size == 0 or own.mean() > 0.8  # the others are the part's soft edges


def test_outside_the_parts_there_is_the_room():
    character, motion = draw_clip(0, 3)
    room = render_room(character, **SIZE).astype(int)
    apart = np.abs(render_frame(character, motion, 0.5, **SIZE) - room).sum(axis=2)
    figure = render_parts(character, motion, 0.5, **SIZE) > 0
    assert (apart[~figure] > 0).mean() < 0.06  # soft edges
    assert (apart[figure] > 0).all()


def test_an_arm_in_front_hides_the_shirt_from_the_parts():
    motion = draw_motion(0)
    rest = dict.fromkeys(motion.reaches, 0.0)
    bent = {"right_shoulder": 0.3, "right_elbow": -1.8}
    still = replace(motion, centres=rest | bent, reaches=rest)
    character = replace(draw_character(0), long_sleeves=False, pattern="plain")
    points = keypoints(character, still, 0, **SIZE)
    wrist, neck, hip = points[[4, 1, 8]].round().astype(int)
    assert hip[0] < wrist[0] < neck[0] and neck[1] < wrist[1] < hip[1]  # over the shirt
    parts = render_parts(character, still, 0, **SIZE)
    assert PARTS[parts[wrist[1], wrist[0]]] == "skin"


def test_a_figure_is_at_the_same_place_at_every_size():
    character, motion = draw_clip(0, 1)
    small, large = (
        keypoints(character, motion, 1.0, height=side, width=side) for side in (64, 128)
    )
    np.testing.assert_allclose((small + 0.5) * 2, large + 0.5)


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


def test_what_lies_beside_puppets_is_never_deleted_with_them(tmp_path):
    make_puppets(tmp_path / "puppets", **SETTINGS)
    (tmp_path / "puppets" / "mine.txt").touch()
    with pytest.raises(UserError, match=r"holds puppets and mine\.txt, which would go with them"):
        make_puppets(tmp_path / "puppets", **{**SETTINGS, "seed": 1})


def test_a_folder_that_cannot_be_written_is_a_user_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        make_puppets(tmp_path / "file" / "puppets", **SETTINGS)

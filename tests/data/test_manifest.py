import json

import numpy as np
import pytest

from aa.data.manifest import Clip, check_clips, read_manifest
from aa.data.swapped import looks_swapped
from aa.errors import UserError
from tests.data.conftest import cut_short, flat_frames, noisy_frames, write_video


def write_manifest(root, text):
    path = root / "meta_data" / "meta.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def entry(video, pose):
    return json.dumps([{"video_path": str(video), "kps_path": str(pose)}])


def make_clip(folder, name="0", *, video=4, pose=4):
    """A clip whose video and pose video have so many frames."""
    return Clip(
        write_video(folder / "video" / f"{name}.mp4", flat_frames(video)),
        write_video(folder / "video_dwpose" / f"{name}.mp4", flat_frames(pose)),
    )


def test_relative_paths_start_at_the_data_root(tmp_path):
    clip = make_clip(tmp_path)
    path = write_manifest(tmp_path, entry("video/0.mp4", "video_dwpose/0.mp4"))
    assert read_manifest(path) == [clip]


def test_absolute_paths_are_taken_as_they_are(tmp_path):
    clip = make_clip(tmp_path / "elsewhere")
    assert read_manifest(write_manifest(tmp_path, entry(clip.video, clip.pose))) == [clip]


def test_paths_not_in_the_data_root_start_at_the_working_directory(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    root = tmp_path / "data"
    root.mkdir()
    path = write_manifest(root, entry("video/0.mp4", "video_dwpose/0.mp4"))
    assert read_manifest(path) == [clip]


def test_missing_manifest_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.json: no such file.*data\.manifest"):
        read_manifest(tmp_path / "gone.json")


def test_malformed_json_is_named_with_line_and_column(tmp_path):
    path = write_manifest(tmp_path, '[\n {"video_path": "a.mp4",\n  "kps_path" "b.mp4"}\n]')
    with pytest.raises(UserError, match=r"meta\.json, line 3, column 14: not JSON"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "holds a dict, wanted a list"),
        ("[]", "is an empty list"),
        ('[{"video_path": "a.mp4"}]', "item 0 is .* video_path and kps_path"),
        ('["a.mp4"]', "item 0 is .* video_path and kps_path"),
    ],
)
def test_manifest_of_another_form_is_refused(tmp_path, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read_manifest(write_manifest(tmp_path, text))


def test_missing_videos_are_counted_and_the_first_five_named(tmp_path):
    items = [{"video_path": f"video/{n}.mp4", "kps_path": f"pose/{n}.mp4"} for n in range(4)]
    with pytest.raises(UserError, match="8 of 8 files do not exist") as caught:
        read_manifest(write_manifest(tmp_path, json.dumps(items)))
    assert str(caught.value).count(".mp4") == 5
    assert "and 3 more" in str(caught.value)


def test_good_clips_pass_the_check(puppet_clips):
    assert check_clips(puppet_clips, min_frames=12, skip_bad=False) == (puppet_clips, [])


def test_video_and_pose_of_different_lengths_are_named(tmp_path):
    clip = make_clip(tmp_path, video=4, pose=3)
    with pytest.raises(UserError, match=r"1 of 1 clips.*has 4 frames, its pose video .* 3\."):
        check_clips([clip], min_frames=1, skip_bad=False)


def test_bad_clips_are_refused_with_the_way_to_skip_them(tmp_path):
    clips = [make_clip(tmp_path, "good"), make_clip(tmp_path, "short", video=2, pose=2)]
    with pytest.raises(UserError, match=r"^1 of 2 .*short.mp4: has 2 .*data\.skip_bad=true\.$"):
        check_clips(clips, min_frames=3, skip_bad=False)


def test_skipped_clips_are_reported_with_their_reasons(tmp_path):
    clips = [make_clip(tmp_path, name) for name in ("a", "b", "c")]
    cut_short(write_video(clips[1].video, noisy_frames(9)), share=0.7)
    good, bad = check_clips(clips, min_frames=1, skip_bad=True)
    assert good == [clips[0], clips[2]]
    assert [clip for clip, _ in bad] == [clips[1]]
    assert "is cut short" in bad[0][1]


def test_no_good_clip_left_is_an_error_even_when_skipping(tmp_path):
    with pytest.raises(UserError, match="none is left to train on"):
        check_clips([make_clip(tmp_path, video=1)], min_frames=1, skip_bad=True)


def outside(tmp_path):
    """A manifest of `set/` whose clip lies beside it, named by `..`, and that clip."""
    clip = make_clip(tmp_path / "other")
    (tmp_path / "set").mkdir()
    names = ("../other/video/0.mp4", "../other/video_dwpose/0.mp4")
    return write_manifest(tmp_path / "set", entry(*names)), clip


def test_a_path_that_leads_out_of_the_data_root_is_refused_unless_allowed(tmp_path):
    path, clip = outside(tmp_path)
    with pytest.raises(UserError, match=r"2 paths lead out of .*data\.allow_outside=true"):
        read_manifest(path)
    (found,) = read_manifest(path, allow_outside=True)
    assert found.video.samefile(clip.video)


def test_a_path_through_a_parent_that_stays_inside_is_taken(tmp_path):
    make_clip(tmp_path)
    names = ("video_dwpose/../video/0.mp4", "video_dwpose/0.mp4")
    assert len(read_manifest(write_manifest(tmp_path, entry(*names)))) == 1


def test_a_link_that_leads_out_of_the_data_root_is_refused_unless_allowed(tmp_path):
    clip = make_clip(tmp_path / "other")
    root = tmp_path / "set"
    root.mkdir()
    for name in ("video", "video_dwpose"):
        (root / name).symlink_to(tmp_path / "other" / name)
    path = write_manifest(root, entry("video/0.mp4", "video_dwpose/0.mp4"))
    with pytest.raises(UserError, match=r"by a link: video/0\.mp4"):
        read_manifest(path)
    assert read_manifest(path, allow_outside=True)[0].video.samefile(clip.video)


def test_a_data_root_may_be_a_link_itself(tmp_path, monkeypatch):
    make_clip(tmp_path / "disk")
    write_manifest(tmp_path / "disk", entry("data/video/0.mp4", "video_dwpose/0.mp4"))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").symlink_to(tmp_path / "disk")
    monkeypatch.chdir(tmp_path / "work")
    assert len(read_manifest("data/meta_data/meta.json")) == 1


def test_a_clip_that_is_listed_twice_is_named_and_taken_twice(tmp_path, caplog):
    make_clip(tmp_path)
    twice = json.dumps(json.loads(entry("video/0.mp4", "video_dwpose/0.mp4")) * 2)
    assert len(read_manifest(write_manifest(tmp_path, twice))) == 2
    assert "1 clips are listed more than once: " in caplog.text


def test_a_byte_order_mark_in_front_of_a_manifest_is_passed_over(tmp_path):
    clip = make_clip(tmp_path)
    path = write_manifest(tmp_path, "\ufeff" + entry("video/0.mp4", "video_dwpose/0.mp4"))
    assert read_manifest(path) == [clip]


def make_dark_and_bright(folder, *, video, pose):
    """A clip whose video and pose video are grey of such brightnesses."""
    grey = np.ones((4, 16, 16, 3), np.uint8)
    return Clip(
        write_video(folder / "video" / "a.mp4", grey * video),
        write_video(folder / "video_dwpose" / "a.mp4", grey * pose),
    )


@pytest.mark.parametrize(
    ("video", "pose", "is_said"),
    [(0, 200, True), (200, 0, False), (0, 0, False), (200, 200, False)],
)
def test_videos_on_black_with_poses_that_are_not_are_warned_about(
    tmp_path, caplog, video, pose, is_said
):
    clip = make_dark_and_bright(tmp_path, video=video, pose=pose)
    check_clips([clip], min_frames=2, skip_bad=False)
    assert caplog.text.count("videos and poses look swapped: in 1 of the 1 pairs") == is_said
    assert caplog.text.count("WARNING") == is_said


def test_poses_of_another_shape_are_warned_about(tmp_path, caplog):
    frames, fine = noisy_frames(4, height=32, width=64), make_clip(tmp_path)
    pose = write_video(tmp_path / "pose.mp4", frames[:, :, 16:48])
    wide = Clip(write_video(tmp_path / "wide.mp4", frames), pose)
    assert check_clips([fine, wide], min_frames=2, skip_bad=False) == ([fine, wide], [])
    assert f"1 of 2 clips: {wide.video}: frames of 64x32, its pose video 32x32" in caplog.text


@pytest.mark.parametrize(("height", "width"), [(16, 32), (96, 194)])
def test_poses_of_another_size_and_nearly_the_same_shape_are_fine(tmp_path, caplog, height, width):
    video = write_video(tmp_path / "video.mp4", noisy_frames(4, height=32, width=64))
    pose = write_video(tmp_path / "pose.mp4", noisy_frames(4, height=height, width=width))
    check_clips([Clip(video, pose)], min_frames=2, skip_bad=False)
    assert "WARNING" not in caplog.text


def test_a_pair_that_names_one_file_twice_is_warned_about(tmp_path, caplog):
    clip, link = make_clip(tmp_path), tmp_path / "link.mp4"
    link.symlink_to(clip.video)
    check_clips([clip, Clip(clip.video, link)], min_frames=2, skip_bad=False)
    assert f"1 of 2 pairs name one file twice, as video and as poses: {clip.video}" in caplog.text


def test_a_middle_that_does_not_decode_is_left_to_who_needs_it(tmp_path):
    clip = Clip(tmp_path / "gone.mp4", tmp_path / "gone.mp4")
    assert not looks_swapped(clip)

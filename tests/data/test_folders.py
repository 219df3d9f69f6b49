import os
import re

import pytest

from aa.data.folders import find_clips, pair_clips
from aa.errors import UserError


def make(folder, *names):
    """Empty files with such paths, their folders made."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def pairs(folder):
    """The pairs of a folder, as paths relative to video/ and video_dwpose/."""
    return [
        (
            clip.video.relative_to(folder / "video").as_posix(),
            clip.pose.relative_to(folder / "video_dwpose").as_posix(),
        )
        for clip in pair_clips(folder)[0]
    ]


def test_a_folder_of_pairs_is_found_in_order(tmp_path):
    make(tmp_path, *(f"{part}/{n}.mp4" for part in ("video", "video_dwpose") for n in "201"))
    assert pairs(tmp_path) == [(f"{n}.mp4", f"{n}.mp4") for n in "012"]


@pytest.mark.parametrize("name", ["a.mp4", "a.MP4", "a.mov", "a.MKV", "a.webm", "a.Avi"])
def test_every_ending_that_is_read_elsewhere_is_taken_in_any_case(tmp_path, name):
    make(tmp_path, f"video/{name}", f"video_dwpose/{name}")
    assert pairs(tmp_path) == [(name, name)]


def test_folders_inside_are_searched_and_pairs_made_by_their_whole_paths(tmp_path):
    names = ["1.mp4", "sub/1.mp4", "sub/deep/2.mp4"]
    make(tmp_path, *(f"{part}/{n}" for part in ("video", "video_dwpose") for n in names))
    assert pairs(tmp_path) == [(name, name) for name in names]


def test_the_endings_of_a_pair_may_differ(tmp_path):
    make(tmp_path, "video/a.MOV", "video_dwpose/a.mp4", "video/b.mp4", "video_dwpose/b.MP4")
    assert pairs(tmp_path) == [("a.MOV", "a.mp4"), ("b.mp4", "b.MP4")]


def test_two_videos_of_one_stem_go_with_the_poses_of_their_endings(tmp_path):
    make(tmp_path, "video/a.mp4", "video/a.MOV", "video_dwpose/a.mp4", "video_dwpose/a.mov")
    assert pairs(tmp_path) == [("a.MOV", "a.mov"), ("a.mp4", "a.mp4")]


def test_a_pair_that_could_be_several_is_named(tmp_path):
    make(tmp_path, "video/a.mkv", "video_dwpose/a.mp4", "video_dwpose/a.mov")
    line = "not clear for video/a.mkv with video_dwpose/a.mov and video_dwpose/a.mp4. Give the two"
    with pytest.raises(UserError, match=re.escape(line)):
        pair_clips(tmp_path)


def test_hidden_files_and_what_is_no_video_are_counted_and_named_in_one_line(tmp_path, caplog):
    caplog.set_level("INFO")
    make(tmp_path, "video/a.mp4", "video_dwpose/a.mp4", "video/._a.mp4", "video/notes.txt")
    make(tmp_path, "video/.cache/b.mp4", "video_dwpose/.DS_Store")
    assert len(find_clips(tmp_path)) == 1
    left_out = "video/._a.mp4 (hidden); video/.cache (hidden); video/notes.txt (no video)"
    left_out += "; video_dwpose/.DS_Store (hidden)"
    assert caplog.messages == [f"{tmp_path}: 4 files are left out: {left_out}"]


def test_a_folder_with_nothing_to_leave_out_says_nothing(tmp_path, caplog):
    caplog.set_level("INFO")
    find_clips(make(tmp_path, "video/a.mp4", "video_dwpose/a.mp4"))
    assert not caplog.messages


def test_a_linked_folder_is_searched_and_a_circle_ends(tmp_path):
    make(tmp_path, "video/a.mp4", "video_dwpose/more/b.mp4", "video_dwpose/a.mp4", "other/b.mp4")
    os.symlink(tmp_path / "other", tmp_path / "video" / "more")
    os.symlink(tmp_path / "video", tmp_path / "video" / "again")
    assert pairs(tmp_path) == [("a.mp4", "a.mp4"), ("more/b.mp4", "more/b.mp4")]


def test_a_video_without_its_pose_video_is_named(tmp_path):
    make(tmp_path, "video/a.mp4", "video/b.mp4", "video_dwpose/a.mp4")
    with pytest.raises(UserError, match=r"1 files have no partner.*video/b\.mp4\."):
        pair_clips(tmp_path)


def test_a_folder_without_pose_videos_is_refused(tmp_path):
    make(tmp_path, "video/a.mp4")
    with pytest.raises(UserError, match="video_dwpose: no such folder"):
        pair_clips(tmp_path)


def test_a_folder_of_hidden_files_alone_says_what_it_leaves_out(tmp_path):
    make(tmp_path, "video/._a.mp4", "video_dwpose/._a.mp4")
    with pytest.raises(UserError, match=r"holds no video \(left out: video/\._a\.mp4 \(hidden\)"):
        pair_clips(tmp_path)

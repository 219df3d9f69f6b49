"""A whole data set from raw videos, in one process."""

import json
import shutil

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from aa.data.folders import pair_clips
from aa.data.manifest import check_clips, read_manifest
from aa.data.video import VideoReader
from aa.errors import UserError
from aa.poses import Poses, draw_poses
from tests.bad_input.videos import absurd_size
from tests.data.test_display import ROTATE_LEFT, rotate
from tests.prepare.videos import FPS, by_source, puppet, save, truth_of


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


def test_a_person_who_moves_is_kept_with_its_poses_frame_by_frame(make, raw):
    frames, points = puppet(1, 24)
    save(raw / "one.mp4", frames, points)
    target = make(raw)
    assert by_source(target) == {"one.mp4": ["kept"]}
    (clip,), _ = pair_clips(target)
    video, pose = VideoReader(clip.video), VideoReader(clip.pose)
    assert (video.num_frames, pose.num_frames, video.fps, pose.fps) == (24, 24, 24.0, 24.0)
    assert np.abs(video.read(range(24)) - frames.astype(float)).mean() < 8
    poses = Poses.load(target / "keypoints" / f"{clip.video.stem}.npz")
    assert np.abs(pose.read([5])[0] - draw_poses(poses)[5].astype(float)).mean() < 3
    assert np.abs(poses.points[:, :18] - points[:, :18, :2]).max() < 8


def spoilt(points, **how):
    """Points [F, 128, 3] with another score, moved, smaller, or gone in some frames."""
    points = points.copy()
    seen = points[..., 2] > 0
    points[..., 2][seen] = how.get("score", 0.9)
    points[..., :2] = points[..., :2] * how.get("scale", 1.0) + how.get("shift", 0.0)
    points[how.get("gone", slice(0)), :, 2] = 0
    return points


def blurred(frames):
    blur = ImageFilter.GaussianBlur(6)
    return np.stack([np.asarray(Image.fromarray(frame).filter(blur)) for frame in frames])


def odd_ones(raw):
    """Videos that are read, each with what is wrong with it: {file: reasons}."""
    frames, points = puppet(1, 24)
    wide = np.concatenate([frames, puppet(3, 24)[0]], axis=2)
    dark = np.zeros_like(frames)
    dark[:, 40:44] = np.arange(24, dtype="uint8")[:, None, None, None]
    made = {
        "nobody.mp4": (frames, [], "no_person"),
        "black.mp4": (dark, [points], "dark"),
        "still.mp4": (np.repeat(frames[:1], 24, axis=0), [points], "static"),
        "one_frame.mp4": (frames[:1], [points[:1]], "too_short"),
        "crossing.mp4": (frames, [points, spoilt(points, shift=5)], "crossing"),
        "apart.mp4": (wide, [points, spoilt(points, shift=(64, 0))], "kept"),
        "far_away.mp4": (puppet(4, 24)[0], [spoilt(points, scale=0.2)], "small_person"),
        "guessed.mp4": (puppet(5, 24)[0], [spoilt(points, score=0.4)], "unsure"),
        "in_and_out.mp4": (puppet(6, 24)[0], [spoilt(points, gone=slice(6, 18))], "rarely_seen"),
        "passing.mp4": (puppet(7, 24)[0], [spoilt(points, gone=slice(5, 24))], "briefly_seen"),
        "blurred.mp4": (blurred(frames), [points], "blurred"),
        "tiny.mp4": (frames[:, :24, :24], [], "too_small"),
    }
    for name, (pictures, people, _) in made.items():
        save(raw / name, pictures, *people)
    return {name: [reason] for name, (_, _, reason) in made.items()}


def test_each_fault_has_its_verdict_with_the_value_and_the_limit(make, raw):
    expected = odd_ones(raw)
    target = make(raw)
    assert by_source(target) == expected
    rows = {row["source"]: row for row in json.loads((target / "report.json").read_text())["rows"]}
    assert (rows["guessed.mp4"]["measured"], rows["guessed.mp4"]["limit"]) == (0.4, 0.5)
    assert rows["guessed.mp4"]["key"] == "keep.min_score"
    words = "1 frames, at least 8 are expected"
    assert rows["one_frame.mp4"]["words"] == words
    page = (target / "report.html").read_text()
    assert words in page and page.count("data:image/jpeg") == 11 and "tiny.mp4" in page


def test_what_cannot_be_read_is_a_verdict_and_stops_nothing(make, raw, monkeypatch):
    frames, points = puppet(1, 24)
    save(raw / "good.mp4", frames, points)
    (raw / "empty.mp4").write_bytes(b"")
    (raw / "text.mp4").write_text("hello, world " * 9)
    (raw / "cut.mp4").write_bytes((raw / "good.mp4").read_bytes()[:-2000])
    (raw / "notes.txt").write_text("no video, so nothing is said of it")
    monkeypatch.chdir(raw)
    absurd_size().rename("huge.avi")
    target = make(raw)
    unreadable = ["unreadable"]
    assert by_source(target) == {
        "cut.mp4": unreadable,
        "empty.mp4": unreadable,
        "good.mp4": ["kept"],
        "huge.avi": unreadable,
        "text.mp4": unreadable,
    }
    rows = {row["source"]: row for row in json.loads((target / "report.json").read_text())["rows"]}
    assert rows["empty.mp4"]["words"].startswith("is empty (0 bytes)")
    assert "50000x50000" in rows["huge.avi"]["words"]


def test_a_scene_mix_is_cut_where_the_picture_changes(make, raw):
    (first, one), (second, two) = puppet(1, 20), puppet(9, 30)
    save(raw / "mix.mp4", np.concatenate([first, second]), np.concatenate([one, two]))
    target = make(raw)
    clips = read_manifest(target / "meta_data" / "train_meta.json")
    assert [VideoReader(clip.video).num_frames for clip in clips] == [20, 30]


def test_a_long_scene_becomes_clips_of_equal_length(make, raw):
    save(raw / "long.mp4", *puppet(1, 100))
    target = make(raw)
    clips = read_manifest(target / "meta_data" / "train_meta.json")
    assert [VideoReader(clip.video).num_frames for clip in clips] == [50, 50]


def test_a_rotated_video_is_upright_in_the_data_set(make, raw):
    frames, points = puppet(1, 24)
    save(raw / "phone.mp4", np.rot90(frames, -1, axes=(1, 2)), points)
    rotate(raw / "phone.mp4", ROTATE_LEFT)
    target = make(raw)
    (clip,), _ = pair_clips(target)
    assert np.abs(VideoReader(clip.video).read([7])[0] - frames[7].astype(float)).mean() < 8


def test_a_video_of_varying_rate_and_its_poses_show_the_same_moments(make, raw):
    frames, points = puppet(1, 24)
    path, ticks = raw / "vfr.mkv", np.cumsum([0] + [3 if n % 8 == 7 else 1 for n in range(23)])
    raw.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "12"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for tick, picture in zip(ticks, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = int(tick)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    reader = VideoReader(path)
    shown = np.searchsorted(ticks, np.arange(reader.num_frames), side="right") - 1
    assert reader.num_frames > 24 and reader.fps == FPS
    np.save(truth_of(path), points[shown][None])
    target = make(raw)
    (clip,), _ = pair_clips(target)
    video = VideoReader(clip.video)
    assert (video.num_frames, video.fps) == (reader.num_frames, FPS)
    for number in (3, 9, 20):
        expected = frames[shown[number]].astype(float)
        assert np.abs(video.read([number])[0] - expected).mean() < 8


def test_sizes_are_made_even(make, raw):
    frames, points = puppet(1, 24, height=97, width=65)
    raw.mkdir()
    with av.open(str(raw / "odd.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "12"})
        stream.height, stream.width, stream.pix_fmt = 97, 65, "yuv444p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv444p")))
        container.mux(stream.encode())
    np.save(truth_of(raw / "odd.mkv"), points[None])
    (clip,), _ = pair_clips(make(raw))
    video, pose = VideoReader(clip.video), VideoReader(clip.pose)
    assert (video.height, video.width, pose.height, pose.width) == (96, 64, 96, 64)


def test_a_copy_is_dropped_whatever_its_name_its_quality_and_its_cut(make, raw):
    frames, points = puppet(1, 48)
    save(raw / "a.mp4", frames, points)
    save(raw / "b.mp4", frames[12:], points[12:], crf=30)
    save(raw / "c.mp4", *puppet(2, 48))
    target = make(raw)
    assert by_source(target) == {"a.mp4": ["kept"], "b.mp4": ["repeats"], "c.mp4": ["kept"]}
    assert len(pair_clips(target)[0]) == 2


def test_all_clips_of_a_video_are_trained_on_or_none_is(make, raw):
    for seed in range(4):
        save(raw / f"{seed}.mp4", *puppet(seed, 40))
    target = make(raw, None, "validation_share=0.5", "keep.max_frames=20")
    lists = [read_manifest(target / f"meta_data/{s}_meta.json") for s in ("train", "validation")]
    sources = [{clip.video.stem.rsplit("-", 1)[0] for clip in clips} for clips in lists]
    assert [len(clips) for clips in lists] == [4, 4] and not sources[0] & sources[1]
    good, bad = check_clips(lists[0], min_frames=20, skip_bad=False, progress=False)
    assert (len(good), bad) == (4, [])


def test_again_touches_nothing_and_with_more_videos_does_the_rest(make, raw):
    save(raw / "a.mp4", *puppet(1, 24))
    target = make(raw)
    before = {p: p.stat().st_mtime_ns for p in target.rglob("*.mp4")}
    save(raw / "sub/b.mp4", *puppet(2, 24))
    make(raw)
    after = {p: p.stat().st_mtime_ns for p in target.rglob("*.mp4")}
    assert before.items() < after.items() and len(after) == 4


def test_clips_stay_when_their_video_is_gone_and_change_when_it_changes(make, raw):
    save(raw / "a.mp4", *puppet(1, 24))
    save(raw / "b.mp4", *puppet(2, 24))
    target = make(raw)
    (raw / "a.mp4").unlink()
    save(raw / "b.mp4", puppet(2, 24)[0], crf=20)
    truth_of(raw / "b.mp4").unlink()  # nobody is seen in the new one
    make(raw)
    assert by_source(target) == {"a.mp4": ["kept"], "b.mp4": ["no_person"]}
    assert len(pair_clips(target)[0]) == 1


def test_other_settings_in_the_same_target_are_refused_by_name(make, raw):
    save(raw / "a.mp4", *puppet(1, 24))
    make(raw)
    with pytest.raises(UserError, match=r"other settings: keep.min_score=0.5 then, 0.6 now"):
        make(raw, None, "keep.min_score=0.6")


def test_a_folder_of_others_is_no_target(make, raw, tmp_path):
    save(raw / "a.mp4", *puppet(1, 24))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").touch()
    with pytest.raises(UserError, match=r"holds thesis.txt, and not what this command has made"):
        make(raw, tmp_path / "other")
    with pytest.raises(UserError, match=r"lies in the folder of the sources"):
        make(raw, raw / "set")


def test_nothing_kept_is_an_error_after_the_report(make, raw, tmp_path):
    save(raw / "a.mp4", puppet(1, 24)[0])
    with pytest.raises(UserError, match=r"nothing is kept: .*1 nobody there"):
        make(raw)
    assert by_source(tmp_path / "set") == {"a.mp4": ["no_person"]}


def test_a_target_without_room_ends_the_run(make, raw, monkeypatch):
    from aa.prepare import judging

    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(judging, "replacing", full)
    save(raw / "a.mp4", *puppet(1, 24))
    with pytest.raises(UserError, match=r"cannot be written \(No space left"):
        make(raw)


def test_a_mistake_of_ours_on_one_video_is_tried_again_the_next_time(make, raw, monkeypatch):
    from aa.prepare import judging

    save(raw / "a.mp4", *puppet(1, 24))
    save(raw / "b.mp4", *puppet(2, 24))
    right = judging.sharpness

    def wrong(frames, *rest):
        if frames[0, 0, 0, 0] == VideoReader(raw / "a.mp4").read([1])[0, 0, 0, 0]:
            raise IndexError("out of range")
        return right(frames, *rest)

    monkeypatch.setattr(judging, "sharpness", wrong)
    target = make(raw)
    assert by_source(target) == {"a.mp4": ["failed"], "b.mp4": ["kept"]}
    monkeypatch.undo()
    make(raw)
    assert by_source(target) == {"a.mp4": ["kept"], "b.mp4": ["kept"]}
    shutil.rmtree(target)

"""A raw video moves a character: its poses are found, kept, and taken again."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from aa.build.inference import build_inference
from aa.data.pictures import read_image
from aa.data.video import VideoReader, VideoWriter
from aa.errors import UserError
from aa.inference import driving
from aa.poses import Poses
from aa.poses.skeleton import BODY, FACE, NECK
from tests.inference.conftest import Noise
from tests.inference.test_inference_run import summary
from tests.poses.figures import standing
from tests.tones import heard, write_with_beep

HEIGHT, WIDTH = 96, 64


class Detector:
    """Finds the standing figure in every frame; where all is black, nobody."""

    def __init__(self):
        self.asked, self.sees_in_the_dark = [], False

    def __call__(self, video, **options):
        frames = video.read(range(video.num_frames))
        self.asked.append((len(frames), options.get("person")))
        if not (frames.any() or self.sees_in_the_dark):
            raise UserError("nobody was found.")
        poses = standing(len(frames), height=100, width=60, fps=video.fps)
        return poses.resized(video.height, video.width)


@pytest.fixture
def detector(monkeypatch):
    found = Detector()
    monkeypatch.setattr(driving, "detect_poses", found)
    monkeypatch.setattr(driving, "choose_detector", lambda name, **files: name)
    return found


@pytest.fixture
def dance(home):
    """A raw video of 5 frames and a picture of another size."""
    Image.new("RGB", (128, 192), "green").save(home / "person.png")
    with VideoWriter(home / "dance.mp4", fps=5, height=HEIGHT, width=WIDTH) as writer:
        writer.write(np.full([5, HEIGHT, WIDTH, 3], 200, np.uint8))
    return "reference=person.png", "driving=dance.mp4"


def test_a_raw_video_leaves_poses_a_pose_video_an_overlay_and_a_report(
    infer, home, detector, dance
):
    folder = infer(*dance) / "poses"
    poses = Poses.load(folder / "person_dance.npz")
    assert (len(poses), poses.height, poses.width, poses.fps) == (5, 192, 128, 5.0)
    assert VideoReader(folder / "person_dance.mp4").num_frames == 5
    assert read_image(folder / "person_dance_overlay.png").size == (128, 192)
    report = json.loads((folder / "person_dance.json").read_text())
    assert report["align"] == "limbs" and report["cleaning"]["jumps"] == 0


def test_the_result_has_the_pictures_shape_and_the_videos_length_rate_and_pixels(
    infer, home, detector, dance
):
    infer(*dance)
    (made,) = summary(home)["videos"]
    assert (made["frames"], made["fps"], made["driving"]) == (5, 5.0, True)
    assert (made["height"], made["width"]) == (96, 64)  # 192x128 with 96x64 pixels


def test_the_side_by_side_shows_reference_driver_pose_and_result(infer, home, detector, dance):
    folder = infer(*dance)
    frame = VideoReader(folder / "person_dance_side_by_side.mp4").read([0])[0]
    assert frame.shape == (96, 4 * 64, 3)
    reference, driver, pose, _ = np.split(frame, 4, axis=1)
    assert np.abs(reference.mean((0, 1)) - (0, 128, 0)).max() < 4
    assert np.abs(driver.mean((0, 1)) - 200).max() < 4
    assert np.median(pose) < 10 and pose.max() > 100  # a skeleton on black


def test_poses_that_were_left_move_a_character_again(infer, home, detector, dance):
    first = infer(*dance)
    kept = home / "again.npz"
    kept.write_bytes((first / "poses" / "person_dance.npz").read_bytes())
    asked = len(detector.asked)
    infer("reference=person.png", "pose=again.npz")
    (made,) = summary(home)["videos"]
    assert len(detector.asked) == asked
    assert (made["frames"], made["height"], made["width"]) == (5, 192, 128)


def test_poses_that_are_edited_are_drawn_as_they_are(infer, home, detector, dance):
    poses = standing(2, height=100, width=60)
    scores = np.zeros_like(poses.scores)
    poses.with_points(poses.points, scores).save(home / "empty.npz")
    infer("reference=person.png", "pose=empty.npz")
    left = VideoReader(home / "run" / "person_empty_side_by_side.mp4").read([0])[0]
    width = left.shape[1] // 3
    assert left[:, width : 2 * width].max() < 10


def test_a_video_is_looked_through_once_for_all_its_characters(infer, home, detector, dance):
    cases = "person.png: [driving=dance.mp4]\nann.png: [driving=dance.mp4, walk.mp4]"
    infer(cases=cases)
    assert [count for count, _ in detector.asked].count(5) == 1
    made = [(v["reference"], v["driving"]) for v in summary(home)["videos"]]
    assert made == [("person.png", True), ("ann.png", True), ("ann.png", False)]


def test_a_run_that_goes_on_does_not_look_again(infer, home, detector, dance):
    infer(*dance)
    (home / "run" / "person_dance.mp4").unlink()
    pipeline = Noise()
    infer("resume=run", *dance, pipeline=pipeline)
    assert [count for count, _ in detector.asked].count(5) == 1 and pipeline.made == 1


def test_a_run_may_end_with_the_poses_and_go_on_later(home, detector, dance, compose, trained):
    weights, folder = f"weights={trained('stage=1')}", home / "run"
    folder.mkdir()
    first = build_inference(compose("infer", [weights, *dance, "poses_only=true"]), folder)
    first.check()
    first.stop_at_poses()
    assert (folder / "poses" / "person_dance_overlay.png").is_file()
    assert (folder / "snapshot.json").is_file() and not (folder / "summary.json").exists()
    again = build_inference(compose("infer", [weights, *dance, "resume=run"]), folder)
    again.check()
    again.animate(Noise())
    assert len(detector.asked) == 3  # the video once, the picture each time
    assert summary(home)["videos"][0]["frames"] == 5


def test_a_cache_serves_other_runs_too(infer, home, detector, dance):
    infer(*dance, f"poses.cache_dir={home / 'kept'}")
    shutil.rmtree(home / "run")
    infer(*dance, f"poses.cache_dir={home / 'kept'}")
    assert [frames for frames, _ in detector.asked if frames > 1] == [5]


def test_another_person_is_looked_for_anew(infer, home, detector, dance):
    infer(*dance)
    infer("resume=run", "poses.person=left", *dance)
    assert [person for count, person in detector.asked if count == 5] == ["largest", "left"]


def test_of_a_long_video_only_the_requested_frames_are_looked_at(infer, home, detector, dance):
    infer(*dance, "inference.num_frames=2")
    assert (2, "largest") in detector.asked
    assert summary(home)["videos"][0]["frames"] == 2


def test_parts_can_be_left_out(infer, home, detector, dance, monkeypatch):
    def with_face(video, **options):
        poses = Detector()(video, **options)
        scores = poses.scores.copy()
        scores[:, FACE] = 1
        return poses.with_points(poses.points, scores)

    monkeypatch.setattr(driving, "detect_poses", with_face)
    folder = infer(*dance, "poses.face=false", "inference.align=none")
    poses = Poses.load(folder / "poses" / "person_dance.npz")
    assert not poses.seen[:, FACE].any() and poses.seen[:, NECK].all()


def test_without_alignment_the_poses_stay_in_the_videos_frame(infer, home, detector, dance):
    folder = infer(*dance, "inference.align=none")
    poses = Poses.load(folder / "poses" / "person_dance.npz")
    expected = standing(height=100, width=60).resized(HEIGHT, WIDTH)
    assert np.allclose(poses.points[0, BODY], expected.points[0, BODY], atol=1e-3)
    assert not (folder / "poses" / "person_dance_overlay.png").exists()


def test_a_picture_moves_a_character_into_one_picture(infer, home, detector, dance):
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(home / "sitting.png")
    folder = infer("reference=person.png", "driving=sitting.png")
    assert read_image(folder / "person_sitting.png").size == (64, 96)
    assert read_image(folder / "person_sitting_side_by_side.png").size == (4 * 64, 96)
    assert read_image(folder / "poses" / "person_sitting.png").size == (64, 96)
    assert summary(home)["videos"][0]["frames"] == 1


def test_a_picture_of_a_pose_makes_one_picture(infer, home):
    Image.new("RGB", (24, 32), "black").save(home / "pose.png")
    folder = infer("reference=ann.png", "pose=pose.png")
    assert read_image(folder / "ann_pose.png").size == (24, 32)
    assert not (folder / "poses").exists()


def test_nobody_in_the_video_or_the_picture_is_said_before_weights_are_loaded(
    infer, home, detector, dance
):
    pipeline = Noise()
    with pytest.raises(UserError, match=r"^walk\.mp4: nobody was found\.$"):
        infer("reference=person.png", "driving=walk.mp4", pipeline=pipeline)
    Image.new("RGB", (64, 96), "black").save(home / "night.png")
    with pytest.raises(UserError, match=r"^night\.png: nobody .* inference\.align=none"):
        infer("reference=night.png", "driving=dance.mp4", pipeline=pipeline)
    assert pipeline.made == 0


def test_the_videos_sound_is_kept(infer, home, detector, dance):
    write_with_beep(home / "loud.mp4", beep=0.5)
    detector.sees_in_the_dark = True
    folder = infer("reference=person.png", "driving=loud.mp4")
    assert heard(folder / "person_loud.mp4")[0] == pytest.approx(0.5, abs=0.05)


def test_the_same_video_may_be_poses_and_a_person(infer, home, detector, dance):
    infer(cases="person.png: [dance.mp4, driving=dance.mp4]")
    names = {v["video"] for v in summary(home)["videos"]}
    assert len(names) == 2

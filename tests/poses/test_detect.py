"""Detection as a whole: on a picture of somebody, and with detectors that are made up."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from aa.data.video import VideoReader, VideoWriter
from aa.errors import UserError
from aa.poses import detect, detect_people, detect_pose, detect_poses
from aa.poses.cuts import CutFinder
from aa.poses.detectors import networks
from aa.poses.detectors.choice import choose_detector
from aa.poses.detectors.person import Person
from aa.poses.skeleton import (
    FACE,
    LEFT_ANKLE,
    LEFT_EYE,
    LEFT_HAND,
    NOSE,
    RIGHT_EYE,
    RIGHT_HAND,
    RIGHT_SHOULDER,
)
from tests.poses.figures import standing

NOSE_OF_ASTRONAUT = (220, 131)  # by eye


class Frames:
    """Frames of which only the number matters; remembers how many were read at once."""

    fps, height, width = 10.0, 100, 60

    def __init__(self, num_frames):
        self.num_frames, self.read_at_once = num_frames, []

    def read(self, indices):
        self.read_at_once.append(len(list(indices)))
        return np.zeros((len(indices), self.height, self.width, 3), "uint8")


class Standing:
    """A detector that sees the standing figure in each frame but some."""

    def __init__(self, blind=()):
        self.blind, self.frames, self.resets = blind, 0, 0

    def reset(self):
        self.resets += 1

    def __call__(self, frame):
        self.frames += 1
        poses = standing()
        found = Person(poses.points[0], poses.scores[0])
        return [] if self.frames - 1 in self.blind else [found]


@pytest.fixture
def sees(monkeypatch):
    def use(detector):
        monkeypatch.setattr(detect, "open_detector", lambda *args, **options: detector)
        return detector

    return use


def test_somebody_is_found_in_a_picture():
    poses = detect_pose(data.astronaut())
    assert (len(poses), poses.height, poses.width) == (1, 512, 512)
    assert poses.points[0, NOSE] == pytest.approx(NOSE_OF_ASTRONAUT, abs=6)
    assert poses.scores[0, [NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_SHOULDER]].min() > 0.9
    assert poses.scores[0, LEFT_ANKLE] == 0  # below the picture
    face = poses.points[0, FACE]
    assert poses.scores[0, FACE].min() > 0.9
    assert 90 < np.ptp(face[:, 0]) < 130  # from ear to ear, by eye
    # dlib's corners of the eyes and the body's eyes are of the same person's sides.
    assert face[36, 0] < poses.points[0, RIGHT_EYE, 0] < poses.points[0, LEFT_EYE, 0] < face[45, 0]
    assert not poses.seen[0, LEFT_HAND].any()  # both hidden
    assert not poses.seen[0, RIGHT_HAND].any()


def test_a_picture_is_taken_by_its_path_too(tmp_path):
    Image.fromarray(data.astronaut()).resize((256, 256)).save(tmp_path / "a.png")
    poses = detect_poses(tmp_path / "a.png")
    assert poses.points[0, NOSE] == pytest.approx(np.array(NOSE_OF_ASTRONAUT) / 2, abs=4)


def test_two_people_in_one_video_are_told_apart_and_followed(tmp_path):
    astronaut = np.asarray(Image.fromarray(data.astronaut()).resize((192, 192)))
    picture = np.concatenate([astronaut, np.full_like(astronaut[:, :96], 255), astronaut], axis=1)
    with VideoWriter(tmp_path / "two.mp4", fps=10, height=192, width=480) as writer:
        writer.write(np.stack([picture] * 3))
    left, right = detect_people(tmp_path / "two.mp4")
    for poses, x in ((left, 82.5), (right, 82.5 + 288)):
        assert np.abs(poses.points[:, NOSE] - (x, 47)).max() < 6
        assert poses.scores[:, NOSE].min() > 0.9
    chosen = detect_poses(VideoReader(tmp_path / "two.mp4"), person="right")
    assert np.array_equal(chosen.points, right.points)


def test_nobody_is_an_error_in_words(tmp_path):
    picture = np.full((96, 96, 3), 255, "uint8")
    with pytest.raises(UserError, match="nobody was found in the picture of 96x96"):
        detect_pose(picture)
    Image.fromarray(picture).save(tmp_path / "white.png")
    with pytest.raises(UserError, match=r"white\.png: nobody"):
        detect_poses(tmp_path / "white.png")


def test_frames_are_read_a_few_at_a_time(sees):
    sees(Standing())
    frames = Frames(20)
    assert len(detect_poses(frames)) == 20
    assert max(frames.read_at_once) <= detect.BATCH and sum(frames.read_at_once) == 20


def test_a_frame_without_anybody_has_scores_of_0(sees):
    sees(Standing(blind=[2]))
    poses = detect_poses(Frames(5))
    assert poses.scores.any(axis=1).tolist() == [True, True, False, True, True]


def test_another_scene_makes_the_detector_forget(sees):
    detector = sees(Standing())
    frames = Frames(6)
    frames.read = lambda indices: np.stack([np.full((9, 9, 3), 200 * (i > 3)) for i in indices])
    frames.read = lambda indices, read=frames.read: read(indices).astype("uint8")
    detect_poses(frames)
    assert detector.resets == 1


def test_a_cut_is_a_frame_that_changes_much_more_than_those_before():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 255, (2, 32, 32, 3), dtype="uint8")
    moving = [np.roll(first // 4, k, axis=1) for k in range(4)]
    is_cut = CutFinder()
    assert [is_cut(frame) for frame in (*moving, 255 - second // 2)] == [False] * 4 + [True]


def test_a_detector_is_chosen_by_its_name_or_by_the_files_that_are_there(tmp_path):
    files = {"dwpose_detector": str(tmp_path / "d"), "dwpose_pose": str(tmp_path / "p")}
    assert choose_detector("auto", **files) == "mediapipe"
    for path in files.values():
        open(path, "wb").close()
    assert choose_detector("auto", **files) == "dwpose"
    assert choose_detector("mediapipe", **files) == "mediapipe"
    with pytest.raises(UserError, match="detector=openpose: expected one of auto, mediapipe"):
        choose_detector("openpose")


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"mediapipe, .* is not installed\. Run `make setup`, or"):
        networks.network_file("body")


def test_a_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"none")
    with pytest.raises(UserError, match=r"a\.tflite: no network"):
        networks.Network(tmp_path / "a.tflite", outputs=(0,))


def test_importing_loads_neither_opencv_nor_openvino_nor_mediapipe():
    code = "import sys, aa.poses; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "aa.poses.detect" in loaded
    assert not {"cv2", "openvino", "mediapipe", "av", "scipy"} & set(loaded.split())

"""Train stage 1, stage 2 from it, animate: what training writes is what inference reads."""

import json

import numpy as np
import pytest
from PIL import Image

from aa.build.inference import build_inference, build_pipeline
from aa.data.video import VideoReader, VideoWriter
from aa.errors import UserError


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("inferred")


@pytest.fixture(scope="module")
def files(home):
    """A reference picture of 24x16 and a pose video of 6 such frames at 5 fps."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, [16, 24, 3], np.uint8)).save(home / "person.png")
    with VideoWriter(home / "dance.mp4", fps=5, height=16, width=24) as writer:
        writer.write(rng.integers(0, 256, [6, 16, 24, 3], np.uint8))
    return {"reference": home / "person.png", "pose": home / "dance.mp4"}


@pytest.fixture(scope="module")
def infer(compose, files, home):
    """Function (weights, folder name, overrides) -> the run folder of a finished inference."""

    def run(weights, name, *overrides, **changed):
        given = [f"{key}={value}" for key, value in {**files, **changed}.items() if value]
        quick = ["inference.num_inference_steps=1", "inference.context_frames=4"]
        quick += ["inference.context_overlap=1", "hardware=cpu"]
        config = compose("infer", [f"weights={weights}", *given, *quick, *overrides])
        folder = home / name
        folder.mkdir()
        run = build_inference(config, folder)
        run.animate(build_pipeline(config) if run.check() else None)
        return folder

    return run


def frames(path):
    reader = VideoReader(path)
    return reader.read(range(reader.num_frames))


@pytest.fixture(scope="module")
def weights(trained):
    """A run of stage 2, begun from one of stage 1."""
    return trained("stage=2", "stage.num_frames=3", f"stage.init_from={trained('stage=1')}")


@pytest.fixture(scope="module")
def animated(infer, weights):
    """The run folder of the picture in the motion of the pose video."""
    return infer(weights, "animated")


def test_stage_1_then_stage_2_then_a_video_of_the_pose_videos_length_size_and_rate(animated):
    reader = VideoReader(animated / "person_dance.mp4")
    assert (reader.num_frames, reader.width, reader.height, reader.fps) == (6, 24, 16, 5.0)
    beside = VideoReader(animated / "person_dance_side_by_side.mp4")
    assert (beside.num_frames, beside.width, beside.height) == (6, 72, 16)
    assert json.loads((animated / "summary.json").read_text())["videos"][0]["frames"] == 6


def test_a_stage_1_run_animates_too(trained, infer):
    folder = infer(trained("stage=1"), "stage_1", "inference.num_frames=1")
    assert VideoReader(folder / "person_dance.mp4").num_frames == 1


def test_order_and_number_of_cases_change_no_video(weights, infer, animated, files, tmp_path):
    other = tmp_path / "walk.mp4"
    with VideoWriter(other, fps=5, height=16, width=24) as writer:
        writer.write(frames(files["pose"])[::-1])
    cases = tmp_path / "cases.yaml"
    cases.write_text(f"{files['reference']}: [{other}, {files['pose']}]\n")
    many = infer(weights, "many", f"+cases={cases}", reference=None, pose=None)
    np.testing.assert_array_equal(
        frames(animated / "person_dance.mp4"), frames(many / "person_dance.mp4")
    )


def test_the_first_frame_of_a_video_may_be_the_reference(weights, infer, files):
    folder = infer(weights, "first_frame", reference=files["pose"])
    assert VideoReader(folder / "dance_dance.mp4").num_frames == 6


@pytest.mark.parametrize(("kind", "name"), [("gif", "person_dance.gif"), ("png", "person_dance")])
def test_other_formats_are_written_on_request(weights, infer, kind, name):
    assert (infer(weights, kind, f"inference.format={kind}") / name).exists()


def test_more_frames_than_the_pose_video_has_are_refused(weights, infer):
    with pytest.raises(UserError, match=r"dance\.mp4: has 6 frames.*use at most 6"):
        infer(weights, "too_many", "inference.num_frames=7")

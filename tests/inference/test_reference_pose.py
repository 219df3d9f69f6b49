"""The reference's own pose on the way to the pipeline: given, found, or missed in a line."""

import numpy as np
import pytest
from PIL import Image

from aa.build.inference import build_inference, build_pipeline
from aa.errors import UserError
from aa.inference import driving
from aa.inference.compiled.graph_cache import GraphCache
from aa.inference.compiled.model import CompiledModel
from aa.inference.reference_pose import reference_pose_pixels
from aa.poses import Poses
from aa.poses.skeleton import BODY, FACE, LEFT_HAND, NECK, RIGHT_HAND
from tests.inference.conftest import Noise
from tests.inference.test_compiled import compact_model, engine  # noqa: F401 fixtures
from tests.inference.test_driving import dance, detector  # noqa: F401 fixtures
from tests.inference.test_inference_run import summary
from tests.inference.test_pipeline import OPTIONS, picture, poses
from tests.poses.figures import standing

PAIR = ("reference=ann.png", "pose=walk.mp4")
POSED = ("stage=1", "stage.reference_pose=true")


class Recording(Noise):
    """A pipeline that keeps the reference's poses that it was given, as arrays or None."""

    def __init__(self):
        super().__init__()
        self.given = []

    def frames(self, *inputs, reference_pose, **options):
        self.given.append(None if reference_pose is None else np.asarray(reference_pose))
        yield from super().frames(*inputs, **options)


@pytest.fixture
def posed(trained):
    """Overrides that name weights which are given the reference's pose."""
    return f"weights={trained(*POSED)}"


@pytest.fixture
def given(infer, home, posed):
    """Function (overrides or cases) -> the poses that the pipeline is given, in order."""
    Image.new("RGB", (16, 16), "white").save(home / "ann_pose.png")

    def run(*overrides, cases=None, weights=posed):
        pipeline = Recording()
        infer(weights, *overrides, cases=cases, pipeline=pipeline)
        return pipeline.given

    return run


def test_a_picture_of_the_pose_reaches_the_pipeline(given):
    (pose,) = given(*PAIR, "reference_pose=ann_pose.png")
    assert pose.shape == (16, 16, 3) and pose.min() == 255


def test_of_a_video_of_poses_the_first_frame_is_the_references(given):
    (pose,) = given(*PAIR, "reference_pose=turn.mp4")
    assert pose.shape == (16, 16, 3) and pose.max() == 0


def test_poses_are_drawn_for_the_size_of_the_result(given, home):
    standing(1, height=100, width=60).resized(32, 32).save(home / "ann.npz")
    (pose,) = given(*PAIR, "reference_pose=ann.npz", "inference.height=64", "inference.width=64")
    assert pose.shape == (64, 64, 3) and np.median(pose) == 0 and pose.max() > 100


@pytest.mark.parametrize("ending", ["png", "npz"])
def test_one_of_another_shape_is_refused_before_weights_are_loaded(given, home, ending):
    Image.new("RGB", (32, 16)).save(home / "wide.png")
    standing(1, height=16, width=32).save(home / "wide.npz")
    with pytest.raises(UserError, match=rf"^wide\.{ending}: is 32 x 16 pixels, the reference 16"):
        given(*PAIR, f"reference_pose=wide.{ending}")


def test_poses_fit_however_small_they_are_drawn(given, home):
    Image.new("RGB", (60, 180)).save(home / "tall.png")
    standing(1, height=180, width=60).save(home / "tall.npz")
    size = "inference.height=16", "inference.width=16"
    (pose,) = given("reference=tall.png", "pose=walk.mp4", "reference_pose=tall.npz", *size)
    drawing, reference = Image.fromarray(pose), Image.open("tall.png")
    assert pose.shape == (16, 5, 3)  # 5.33 wide, were there parts of pixels
    assert reference_pose_pixels(drawing, reference, (16, 16), fit="pad").shape == (1, 3, 16, 16)


def test_in_a_list_it_stands_among_the_videos_of_its_picture(given):
    cases = "ann.png: [reference_pose=ann_pose.png, walk.mp4, turn.mp4]\n"
    cases += "bob.png: [walk.mp4, reference_pose=walk.mp4]"
    assert [pose.min() for pose in given(cases=cases)] == [255, 255, 0]


def test_one_case_without_it_leaves_the_others(given, home):
    with pytest.raises(UserError, match=r"^1 of 2 cases cannot be made: bob_walk \(bob\.png: the"):
        given(cases="ann.png: [reference_pose=ann_pose.png, walk.mp4]\nbob.png: walk.mp4")
    assert len(summary(home)["videos"]) == 1


@pytest.mark.parametrize("more", [[], ["inference.align=none"]])
def test_where_a_raw_video_drives_the_pose_is_found_in_the_picture(
    given,
    detector,  # noqa: F811
    dance,  # noqa: F811
    home,
    more,
):
    (pose,) = given(*dance, *more)
    found = Poses.load(home / "run" / "poses" / "reference" / "person_dance.npz")
    assert (len(found), found.height, found.width) == (1, 192, 128)
    assert np.median(pose) == 0 and pose.max() > 100


def test_what_is_left_out_of_poses_is_left_out_of_the_pictures_own_too(
    given,
    detector,  # noqa: F811
    dance,  # noqa: F811
    home,
    monkeypatch,
):
    def whole(video, **options):
        poses = detector(video, **options)
        return poses.with_points(poses.points, np.ones_like(poses.scores))

    monkeypatch.setattr(driving, "detect_poses", whole)
    given(*dance, "poses.hands=false", "poses.face=false")
    found = Poses.load(home / "run" / "poses" / "reference" / "person_dance.npz")
    assert found.scores[:, BODY].any() and not found.scores[:, FACE].any()
    assert not found.scores[:, LEFT_HAND].any() and not found.scores[:, RIGHT_HAND].any()


def test_one_that_is_given_takes_the_place_of_what_is_found(given, detector, dance, home):  # noqa: F811
    Image.new("RGB", (64, 96), "white").save(home / "own.png")
    (pose,) = given(*dance, "reference_pose=own.png")
    assert pose.min() == 255 and not (home / "run" / "poses" / "reference").exists()


def test_to_given_poses_the_drivers_are_aligned_though_nobody_is_found(
    given,
    detector,  # noqa: F811
    dance,  # noqa: F811
    home,
):
    Image.new("RGB", (128, 192), "black").save(home / "night.png")
    figure = standing(2, height=100, width=60).resized(96, 64)
    own = figure.with_points(figure.points + np.array([8.0, 0.0]))
    own.save(home / "own.npz")
    given("reference=night.png", dance[1], "reference_pose=own.npz")
    aligned = Poses.load(home / "run" / "poses" / "night_dance.npz")
    expected = own.resized(192, 128).points[:1, NECK]
    np.testing.assert_allclose(aligned.points[:1, NECK], expected, atol=0.5)
    assert len(aligned) == 5 and [count for count, _ in detector.asked] == [5]


def test_weights_without_the_input_are_given_none(given, detector, dance, home, trained):  # noqa: F811
    assert given(*dance, weights=f"weights={trained('stage=1')}") == [None]
    assert not (home / "run" / "poses" / "reference").exists()


def test_a_video_is_made_again_when_the_pose_of_its_reference_changes(given, home):
    assert len(given(*PAIR, "reference_pose=ann_pose.png")) == 1
    assert given(*PAIR, "reference_pose=ann_pose.png", "resume=run") == []
    Image.new("RGB", (16, 16), "black").save(home / "ann_pose.png")
    assert len(given(*PAIR, "reference_pose=ann_pose.png", "resume=run")) == 1


def test_the_summary_tells_which_pose_a_video_was_made_with(given, home):
    cases = "ann.png: [reference_pose=ann_pose.png, walk.mp4]"
    given(cases=cases)
    (first,) = summary(home)["videos"]
    given("resume=run", cases=cases)
    (again,) = summary(home)["videos"]
    assert first["reference_pose"] == again["reference_pose"] == "ann_pose.png"


def test_the_summary_of_a_folder_that_moved_tells_where_the_pose_that_was_found_is(
    given,
    detector,  # noqa: F811
    dance,  # noqa: F811
    home,
):
    given(*dance)
    record = home / "run" / "cases.jsonl"
    record.write_text(record.read_text().replace(str(home), "/elsewhere"))
    assert given("resume=run", *dance) == []
    (made,) = summary(home)["videos"]
    assert made["reference_pose"] == str(home / "run/poses/reference/person_dance.npz")


def test_where_there_is_no_such_pose_the_summary_names_none(infer, home):
    infer(*PAIR)
    assert "reference_pose" not in summary(home)["videos"][0]


def test_weights_that_want_it_say_what_to_do(given):
    with pytest.raises(UserError) as caught:
        given(*PAIR)
    assert str(caught.value) == (
        "ann.png: these weights are given the pose of the reference too, and there is none: add "
        "reference_pose=<picture of its skeleton, or .npz of poses>; with driving=<video> it is "
        "detected."
    )


def test_weights_that_do_not_want_it_say_so(given, trained):
    with pytest.raises(UserError, match=r"^ann\.png: reference_pose is for weights that were tra"):
        given(*PAIR, "reference_pose=ann_pose.png", weights=f"weights={trained('stage=1')}")


def test_a_training_with_it_animates_a_picture_and_its_pose(home, posed, compose):
    quick = ["inference.num_inference_steps=1", "inference.num_frames=1", "hardware=cpu"]
    config = compose("infer", [posed, *PAIR, "reference_pose=turn.mp4", *quick])
    (home / "run").mkdir()
    run = build_inference(config, home / "run")
    run.check()
    run.animate(build_pipeline(config))
    assert summary(home)["videos"][0]["frames"] == 1


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_an_engine_is_given_it_and_makes_the_same_video(
    compact_model,  # noqa: F811
    engine,  # noqa: F811
    tmp_path,
    guidance_scale,
):
    from aa.inference import Pose2VideoPipeline
    from aa.models.animate_anyone import AnimateAnyone
    from tests.conftest import fill

    model = AnimateAnyone(compact_model.config, reference_pose=True)
    fill(model)
    compiled = CompiledModel(model.eval(), GraphCache(tmp_path), engine)
    given = {**OPTIONS, "context_frames": 4, "guidance_scale": guidance_scale}
    found, expected, other = (
        Pose2VideoPipeline(m)(picture(), poses(2), reference_pose=picture(s), **given).videos
        for m, s in ((compiled, 9), (model, 9), (model, 8))
    )
    assert not compiled.failed
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(other - expected).max() > 1e-3

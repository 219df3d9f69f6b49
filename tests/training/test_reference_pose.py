"""A training whose reference network is given the pose of its image, and what comes of it."""

import json
import shutil
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import load_file

from aa.build.training import build_trainer
from aa.config.inference import InferenceConfig
from aa.data.clip_reader import ClipReader
from aa.data.manifest import Clip
from aa.errors import UserError
from aa.inference.pipeline import Pose2VideoPipeline
from aa.inference.reference_pose import reference_pose_pixels
from aa.runs.layout import list_checkpoints
from aa.training.samples import animate_clip
from aa.weights.models import load_model
from tests.conftest import SAMPLING, TINY_MODEL
from tests.data.conftest import noisy_frames, write_video

GIVEN = ("stage=1", "stage.reference_pose=true", "stage.learning_rate=1e-3", *SAMPLING)
GIVEN += ("validation.num_clips=1", "validation.metrics=[loss,psnr]", "validation.steps=1")


@pytest.fixture(scope="module")
def posed(trained):
    """The run of such a training, which animates a sample clip and a held-out one as it goes."""
    return trained(*GIVEN)


def test_the_projection_trains_and_is_a_component_of_its_own(posed):
    first, last = (load_file(c / "reference_pose.safetensors") for c in list_checkpoints(posed))
    assert sorted(last) == ["pose_proj.bias", "pose_proj.weight"]
    assert np.abs(last["pose_proj.weight"] - first["pose_proj.weight"]).max() > 0
    checkpoint = list_checkpoints(posed)[-1]
    assert "reference_pose" in json.loads((checkpoint / "config.json").read_text())["components"]
    assert "pose_proj.weight" not in load_file(checkpoint / "reference_unet.safetensors")


def test_what_is_loaded_is_what_was_saved(posed):
    model, saved = load_model(posed), list_checkpoints(posed)[-1] / "reference_pose.safetensors"
    assert model.has_reference_pose
    for name, value in load_file(saved).items():
        layer = dict(model.reference_unet.named_parameters())
        np.testing.assert_array_equal(layer[name].numpy(), value)


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights_to_the_bit(posed, compose, puppets, tmp_path):
    folder = shutil.copytree(posed, tmp_path / "resumed", symlinks=True)
    shutil.rmtree(folder / "checkpoints" / "step-000002")
    (folder / "summary.json").unlink()
    quick = ["stage.max_steps=2", "stage.save_steps=1", "stage.log_steps=1"]
    given = [*TINY_MODEL, *puppets, "hardware=cpu", *quick, *GIVEN, f"resume={folder}"]
    build_trainer(compose("train", given), folder).train()
    found, expected = (list_checkpoints(run)[-1] for run in (folder, posed))
    for file in expected.glob("*.safetensors"):
        for key, array in load_file(file).items():
            np.testing.assert_array_equal(load_file(found / file.name)[key], array, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["2", "guidance", "fewstep"])
def test_a_later_stage_goes_on_with_it(train, posed, stage):
    two = ["stage.num_frames=2", "stage.reference_pose=true", f"stage.init_from={posed}"]
    base = posed if stage == "2" else train("two", "stage=2", *two)
    given = [*two[:2], f"stage.init_from={base}"]
    last = list_checkpoints(train("later", f"stage={stage}", *given))[-1]
    before = list_checkpoints(posed)[-1] / "reference_pose.safetensors"
    for key, array in load_file(before).items():
        np.testing.assert_array_equal(load_file(last / before.name)[key], array)


def test_weights_that_have_it_are_not_trained_without_it(train, posed):
    with pytest.raises(UserError, match=r"given the pose of the reference: add stage\.reference_p"):
        train("never", "stage=2", "stage.num_frames=2", f"stage.init_from={posed}")


@pytest.mark.parametrize("more", [["stage=2"], ["stage=lora", "stage.lora_rank=2"]])
def test_a_new_projection_that_nothing_would_train_is_refused(train, trained, more):
    start = trained("stage=2", "stage.init_from=null", "stage.num_frames=4")
    given = [f"stage.init_from={start}", "stage.num_frames=2", "stage.reference_pose=true"]
    with pytest.raises(UserError, match=r"let stage\.trainable match reference_unet\.pose_proj\."):
        train("never", *more, *given)


def test_where_a_pose_video_has_another_shape_a_sample_is_given_what_training_is(tmp_path):
    frames, rng = noisy_frames(3, height=16, width=32), np.random.default_rng(0)
    clip = Clip(
        write_video(tmp_path / "video.mp4", frames[:, :, :16]),
        write_video(tmp_path / "poses.mp4", frames),
    )
    options = InferenceConfig(num_frames=2, height=16, width=16)
    given = []

    class Pipeline:
        model = SimpleNamespace(has_reference_pose=True)

        def frames(self, reference, poses, *, reference_pose, **others):
            given.append(reference_pose_pixels(reference_pose, reference, (16, 16), fit="pad"))
            yield np.zeros([len(poses), 16, 16, 3], np.float32)

    animate_clip(cast(Pose2VideoPipeline, Pipeline()), clip, options)
    reader = ClipReader(
        size=(16, 16), fit="pad", crop_scale=(1, 1), clip_size=16, reference_pose=True
    )
    expected = reader.read(clip, [1], 0, rng)["reference_pose_pixels"]
    np.testing.assert_array_equal(given[0][0], expected)


def test_a_training_without_it_has_no_such_file(trained):
    assert not (list_checkpoints(trained("stage=1"))[-1] / "reference_pose.safetensors").exists()

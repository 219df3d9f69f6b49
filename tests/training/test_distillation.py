"""Stages that learn from the weights they start from, through the whole trainer."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from aa.build.training import build_trainer
from aa.errors import UserError
from aa.runs.layout import list_checkpoints
from aa.weights.models import load_model
from tests.conftest import TINY_MODEL

STEPS = ["stage.max_steps=4", "stage.save_steps=2", "stage.log_steps=1", "stage.num_frames=4"]
STEPS += ["stage.learning_rate=1e-3", "stage.warmup_steps=1", "stage.ema_decay=0.5"]


@pytest.fixture(scope="module")
def base(trained):
    return trained("stage=2", "stage.init_from=null", "stage.num_frames=4")


@pytest.fixture(scope="module")
def options(base):
    """{stage: overrides} of both."""
    return {
        stage: [f"stage={stage}", f"stage.init_from={base}", *STEPS]
        for stage in ("guidance", "fewstep")
    }


@pytest.mark.parametrize("stage", ["guidance", "fewstep"])
def test_only_the_denoiser_changes(trained, base, options, stage):
    last, start = (list_checkpoints(run)[-1] for run in (trained(*options[stage]), base))
    for name in ("reference_unet", "pose_guider", "vae", "image_encoder"):
        for key, array in load_file(start / f"{name}.safetensors").items():
            np.testing.assert_array_equal(load_file(last / f"{name}.safetensors")[key], array)
    before = load_file(start / "denoising_unet.safetensors")
    after = load_file(last / "denoising_unet.safetensors")
    assert any(np.abs(after[key] - before[key]).max() > 0 for key in before)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["guidance", "fewstep"])
def test_a_resumed_run_ends_with_the_same_weights_to_the_bit(
    trained, options, compose, puppets, tmp_path, stage
):
    whole = trained(*options[stage])
    folder = shutil.copytree(whole, tmp_path / "resumed")
    shutil.rmtree(folder / "checkpoints" / "step-000004")
    (folder / "summary.json").unlink()
    again = [*TINY_MODEL, *puppets, "hardware=cpu", *options[stage], f"resume={folder}"]
    build_trainer(compose("train", again), folder).train()
    found, expected = (list_checkpoints(run)[-1] for run in (folder, whole))
    for file in expected.glob("*.safetensors"):
        for key, array in load_file(file).items():
            np.testing.assert_array_equal(load_file(found / file.name)[key], array, err_msg=key)


def test_guidance_has_a_component_of_its_own(trained, options):
    last = list_checkpoints(trained(*options["guidance"]))[-1]
    assert "guidance_embedding" in json.loads((last / "config.json").read_text())["components"]
    assert load_model(last).has_guidance


@pytest.mark.slow
def test_fewer_steps_go_on_top_of_guidance(trained, options, train):
    guided = trained(*options["guidance"])
    scales = "stage.guidance_scales=[2,2]"
    folder = train("both", "stage=fewstep", f"stage.init_from={guided}", scales, *STEPS)
    assert load_model(folder).has_guidance


def test_weights_that_know_guidance_are_no_teacher_of_it(trained, options, compose, puppets):
    guided = trained(*options["guidance"])
    given = ["stage=guidance", f"stage.init_from={guided}", *STEPS]
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *given])
    with pytest.raises(UserError, match="gives in one pass what guidance gives in two already"):
        build_trainer(config, guided.parent / "never")


def test_weights_without_an_embedding_are_given_no_scale(base, compose, puppets):
    given = ["stage=fewstep", f"stage.init_from={base}", "stage.guidance_scales=[2,2]", *STEPS]
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *given])
    with pytest.raises(UserError, match="has no embedding of the scale of guidance"):
        build_trainer(config, base.parent / "never")


def test_weights_that_never_went_without_a_reference_teach_no_guidance(train, compose, puppets):
    never = train(
        "never",
        "stage=1",
        "stage.uncond_ratio=0",
        "stage.motion_modules=true",
        "stage.num_frames=4",
        "stage.init_from=null",
    )
    given = ["stage=guidance", f"stage.init_from={never}", *STEPS]
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *given])
    with pytest.raises(UserError, match="trained with uncond_ratio=0"):
        build_trainer(config, never.parent / "other")

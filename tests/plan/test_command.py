"""`plan=` as a user types it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aa.cli.plan import check_memory, run_plan, take_plan
from aa.cli.resolvers import register_schemas
from aa.config.primary import InferConfig, TrainConfig
from aa.data.video import VideoWriter
from aa.errors import UserError
from aa.files import write_json
from aa.runs.reading import read_json
from tests.commands import run_here

RUNNER = Path(__file__).parents[2] / "runners" / "train.py"
SMALL = [
    "model=parity",
    "model.block_out_channels=[32,64]",
    "data=puppets",
    "stage=1",
    "stage.trainable=['denoising_unet.*','pose_guider.*','reference_unet.*']",
]


def test_a_plan_says_what_is_needed_and_starts_nothing(tmp_path):
    done = run_here(tmp_path, "train", *SMALL, "hardware=cpu", "plan=true")
    assert done.returncode == 0, done.stderr
    assert "kept for the backward pass" in done.stdout
    assert "s or more at" in done.stdout
    assert "it fits" in done.stdout
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_ends_with_exit_code_2(tmp_path, monkeypatch):
    monkeypatch.setattr("aa.plan.plan.changes", lambda *setting, **of: [])  # each takes a second
    given = ["hardware=cpu", "hardware.memory_gb=0.5", "plan=true"]
    done = run_here(tmp_path, "train", *SMALL, *given)
    assert done.returncode == 2
    assert "it does not fit" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["plan=true"], "true"),
        (["plan=True", "plan=max"], "max"),
        (["+plan='true'"], "true"),
        (["plan=false"], None),
        ([], None),
    ],
)
def test_the_last_plan_of_a_command_counts_and_is_taken_out(arguments, value):
    assert take_plan([*arguments, "stage=1"]) == (value, ["stage=1"])


@pytest.mark.parametrize(
    ("value", "arguments", "message"),
    [
        ("maybe", [], "plan must be true or max, got maybe"),
        ("true", ["-m"], "leave out -m"),
        ("true", ["resume=outputs/run"], "leave out resume= and rerun="),
    ],
)
def test_what_cannot_be_planned_is_refused(value, arguments, message):
    with pytest.raises(UserError, match=message):
        run_plan(value, arguments, TrainConfig, runner=RUNNER)


def test_of_an_animation_only_plan_true_is_known():
    with pytest.raises(UserError, match=r"plan must be true, got max\."):
        run_plan("max", [], InferConfig, runner=RUNNER.with_name("infer.py"))


@pytest.fixture
def command(tiny_model, tmp_path):
    """Function (weights' options) -> overrides that animate a picture by 6 frames of 16x24."""
    from aa.weights.models import save_weights

    register_schemas()  # as every command does first

    def build(**parts):
        weights, poses = tmp_path / "weights", tmp_path / "dance.mp4"
        save_weights(tiny_model(**parts), weights)
        with VideoWriter(poses, fps=5, height=16, width=24) as writer:
            writer.write(np.zeros([6, 16, 24, 3], np.uint8))
        Image.new("RGB", (24, 16)).save(tmp_path / "person.png")
        return [f"weights={weights}", f"reference={tmp_path / 'person.png'}", f"pose={poses}"]

    return build


def test_the_largest_video_of_a_command_is_counted(command, capsys, monkeypatch):
    monkeypatch.setattr("aa.plan.inference.video_changes", lambda *video, **of: [])
    given, runner = command(), RUNNER.with_name("infer.py")
    assert run_plan("true", [*given, "hardware=v100"], InferConfig, runner=runner)
    assert "6 frames of 16x24, float16, gpu" in capsys.readouterr().out
    small = [*given, "hardware=cpu", "hardware.memory_gb=0.1"]
    assert not run_plan("true", small, InferConfig, runner=runner)
    assert "it does not fit" in capsys.readouterr().out


def test_the_references_pose_is_missed_as_the_run_misses_it(command):
    given, runner = command(reference_pose=True), RUNNER.with_name("infer.py")
    with pytest.raises(UserError, match="these weights are given the pose of the reference too"):
        run_plan("true", [*given, "hardware=cpu"], InferConfig, runner=runner)


def test_a_reference_pose_that_the_weights_do_not_take_is_refused_as_the_run_does(
    command, tmp_path
):
    given, runner = command(), RUNNER.with_name("infer.py")
    given += [f"reference_pose={tmp_path / 'person.png'}", "hardware=cpu"]
    with pytest.raises(UserError, match="reference_pose is for weights that were trained with"):
        run_plan("true", given, InferConfig, runner=runner)


@pytest.fixture
def tiny(compose):
    """Function (overrides) -> the config of a tiny stage 1."""

    def build(*overrides):
        return compose("train", [*SMALL, *overrides])

    return build


def test_a_card_that_has_more_than_the_config_says_is_believed(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("aa.plan.plan.changes", lambda *setting, **of: [])  # each takes a second
    config = tiny("hardware=v100", "hardware.memory_gb=0.1")
    with pytest.raises(UserError, match="it does not fit"):
        check_memory(config, tmp_path)
    monkeypatch.setattr("aa.cli.plan.card_memory", lambda: 31.7)
    check_memory(config, tmp_path)


def test_what_was_counted_of_a_card_lies_in_the_run_folder(tiny, tmp_path):
    check_memory(tiny("hardware=v100"), tmp_path)
    plan = read_json(tmp_path / "plan.json")
    assert plan["gib"]["weights"] > 0
    assert plan["step_tflop"] > plan["model_tflop"] > 0  # recompute repeats some
    assert plan["least_seconds"] >= plan["step_gigabytes"] / 900


def test_a_run_that_goes_on_where_nothing_is_counted_keeps_no_old_plan(tiny, tmp_path):
    write_json(tmp_path / "plan.json", {})
    check_memory(tiny("hardware=cpu"), tmp_path)
    assert not (tmp_path / "plan.json").exists()

"""Whole tiny runs and their reruns, started as a user starts them, all in one working folder."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from aa.data.video import VideoWriter
from aa.runs.layout import list_checkpoints
from tests.commands import assert_identical, logged, run_here
from tests.conftest import TINY_MODEL

STEPS = ["hardware=cpu", "stage.max_steps=3", "stage.save_steps=2", "stage.log_steps=1"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where all commands work: a reference picture of 16x16, a pose video of 3 such frames."""
    folder, rng = tmp_path_factory.mktemp("reruns"), np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, [16, 16, 3], np.uint8)).save(folder / "ann.png")
    with VideoWriter(folder / "walk.mp4", fps=5, height=16, width=16) as writer:
        writer.write(rng.integers(0, 256, [3, 16, 16, 3], np.uint8))
    return folder


@pytest.fixture(scope="module")
def puppets(puppets):
    """As elsewhere, but made where the commands work: no other place is taken from a run."""
    folder = "data.generate={folder:set,num_clips:3,num_frames:10,fps:8,seed:0}"
    return [folder if override.startswith("data.generate=") else override for override in puppets]


@pytest.fixture(scope="module")
def start(home):
    """Function (runner, run folder, arguments) -> the result of a command."""

    def run(runner, folder, *arguments):
        return run_here(home, runner, *arguments, f"hydra.run.dir={folder}")

    return run


@pytest.fixture(scope="module")
def animate(start, first):
    """Function (run folder, picture) -> a finished inference with the weights of `first`."""

    def run(folder, picture):
        files = [f"reference={picture}", "pose=walk.mp4", "inference.num_inference_steps=1"]
        assert start("infer", folder, "weights=first", *files).returncode == 0

    return run


@pytest.fixture(scope="module")
def first(start, puppets):
    """The folder `first` of a stage-1 run, three steps."""
    result = start("train", "first", *TINY_MODEL, *puppets, *STEPS)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_a_run_of_stage_1_and_its_rerun_are_repeated_exactly(start, first):
    what = "3 steps, 5 weights files"
    result = start("train", "again", "rerun=first", "rerun_check=true")
    assert_identical(result, "first", what)
    assert "same code, packages, data and machine as first" in logged(result)
    result = start("train", "third", "rerun=again", "rerun_check=true")
    assert_identical(result, "again", what)


def test_a_run_of_stage_2_is_repeated_exactly(start, puppets, first, home):
    stage = ["stage=2", "stage.num_frames=3", "stage.init_from=first"]
    assert start("train", "second", *TINY_MODEL, *puppets, *STEPS, *stage).returncode == 0
    snapshot = json.loads((home / "second" / "snapshot.json").read_text())
    assert "first/checkpoints/step-000003/vae.safetensors" in snapshot["data"]["files"]
    result = start("train", "second_again", "rerun=second", "rerun_check=true")
    assert_identical(result, "second", "3 steps, 6 weights files")


def test_an_inference_is_repeated_exactly(start, animate):
    animate("video", "ann.png")
    result = start("infer", "video_again", "rerun=video", "rerun_check=true")
    assert_identical(result, "video", "1 video")


def test_another_picture_and_the_frames_it_changes_are_named(start, animate, home):
    shutil.copy(home / "ann.png", home / "bob.png")
    animate("bob", "bob.png")
    Image.open(home / "ann.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(home / "bob.png")
    result = start("infer", "bob_again", "rerun=bob", "rerun_check=true")
    assert [line for line in logged(result) if "differs" in line] == [
        "differs from bob: data: bob.png changed"
    ]
    assert result.returncode == 1
    assert result.stderr.endswith("\nerror: differs from bob: bob_walk.mp4: other frames.\n")


def test_what_is_given_beside_a_rerun_is_named_and_checked(start, first):
    given = ["rerun=first", "rerun_check=true", "stage.learning_rate=1e-3"]
    result = start("train", "changed", *given)
    line = "differs from first: config: stage.learning_rate 1e-05 -> 0.001"
    assert line in logged(result)
    assert result.returncode == 1
    assert result.stderr.splitlines()[0] == "changed: stage.learning_rate=1e-3"
    assert "differs from first: step 1: learning_rate is 0.001, was 1e-05." in result.stderr


def test_a_changed_package_is_named(start, first, tmp_path, monkeypatch):
    folder = tmp_path / "packages" / "numpy-9.9.9.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    result = start("train", "packages", "rerun=first")
    changed = f"packages: numpy {np.__version__} -> 9.9.9"
    assert f"differs from first: {changed}" in logged(result)


def test_the_config_in_a_runs_hydra_folder_starts_the_same_run(start, first, home):
    options = ["--config-path", str(home / "first" / ".hydra"), "--config-name", "config"]
    result = start("train", "config", *options)
    assert result.returncode == 0, result.stderr
    ours, theirs = (
        list_checkpoints(home / run)[-1] / "pose_guider.safetensors" for run in ("first", "config")
    )
    assert ours.read_bytes() == theirs.read_bytes()

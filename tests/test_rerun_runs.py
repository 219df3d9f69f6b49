"""Whole tiny runs and their reruns, started as a user starts them."""

import json
import logging
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aa import snapshots
from aa.data.video import VideoWriter
from aa.weights.folders import list_checkpoints
from tests.conftest import TINY_MODEL
from tests.test_recipe import TINY

RUNNERS = Path(__file__).parents[1] / "runners"
STEPS = ["hardware=cpu", "stage.max_steps=3", "stage.save_steps=2", "stage.log_steps=1"]


@pytest.fixture
def start(tmp_path, monkeypatch, capsys):
    """Function (runner, arguments) -> exit code, stdout and stderr; it works in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(snapshots, "SOURCES", ("aa/rerun.py",))  # others may be edited meanwhile
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def end_logging():
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:], root.level = handlers[:], level

    def run(runner, *arguments):
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        monkeypatch.setattr(sys, "argv", [str(RUNNERS / f"{runner}.py"), *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(sys.argv[0], run_name="__main__")
        end_logging()
        return end.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def files(tmp_path):
    """A reference picture of 16x16 and a pose video of 3 such frames."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, [16, 16, 3], np.uint8)).save(tmp_path / "ann.png")
    with VideoWriter(tmp_path / "walk.mp4", fps=5, height=16, width=16) as writer:
        writer.write(rng.integers(0, 256, [3, 16, 16, 3], np.uint8))
    return ["reference=ann.png", "pose=walk.mp4", "inference.num_inference_steps=1"]


def lines(output):
    """What the log says, without times and levels."""
    return re.findall(r"\]\[(?:INFO|WARNING)\] (.*)", output)


def identical(result, run, what):
    """The run was repeated, and nothing differed."""
    code, output, error = result
    assert code == 0, error
    said = lines(output)
    assert f"identical to {run}: {what}" in said
    assert not [line for line in said if line.startswith("differs")]


@pytest.fixture
def first(start, puppets):
    """The folder `first` of a stage-1 run, three steps."""
    code, _, error = start("train", *TINY_MODEL, *puppets, *STEPS, "hydra.run.dir=first")
    assert code == 0, error


def test_a_run_of_stage_1_and_its_rerun_are_repeated_exactly(start, first):
    what = "3 steps, 5 weights files"
    result = start("train", "rerun=first", "rerun_check=true", "hydra.run.dir=again")
    identical(result, "first", what)
    assert "same code, packages, data and machine as first" in lines(result[1])
    result = start("train", "rerun=again", "rerun_check=true", "hydra.run.dir=third")
    identical(result, "again", what)


def test_a_run_of_stage_2_is_repeated_exactly(start, puppets, first):
    stage = ["stage=2", "stage.num_frames=3", "stage.init_from=first", "hydra.run.dir=second"]
    assert start("train", *TINY_MODEL, *puppets, *STEPS, *stage)[0] == 0
    snapshot = json.loads(Path("second/snapshot.json").read_text())
    assert "first/checkpoints/step-000003/vae.safetensors" in snapshot["data"]["files"]
    result = start("train", "rerun=second", "rerun_check=true", "hydra.run.dir=again")
    identical(result, "second", "3 steps, 6 weights files")


def test_both_stages_of_a_recipe_are_compared_with_their_twins(start, tmp_path):
    generate = "data.generate={folder:set,num_clips:4,num_frames:10,fps:8,seed:0,scale:1}"
    assert start("train", *TINY, generate, "hydra.run.dir=recipe")[0] == 0
    result = start("train", "rerun=recipe", "rerun_check=true", "hydra.run.dir=again")
    identical(result, "recipe", "4 steps, 9 weights files, 1 table")
    for stage in ("stage1", "stage2"):
        assert f"same code, packages, data and machine as recipe/{stage}" in lines(result[1])


def test_an_inference_is_repeated_exactly(start, first, files):
    assert start("infer", "weights=first", *files, "hydra.run.dir=video")[0] == 0
    result = start("infer", "rerun=video", "rerun_check=true", "hydra.run.dir=again")
    identical(result, "video", "1 video")


def test_another_picture_and_the_frames_it_changes_are_named(start, first, files):
    assert start("infer", "weights=first", *files, "hydra.run.dir=video")[0] == 0
    image = Image.open("ann.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image.save("ann.png")
    code, output, error = start("infer", "rerun=video", "rerun_check=true", "hydra.run.dir=again")
    assert [line for line in lines(output) if "differs" in line] == [
        "differs from video: data: ann.png changed"
    ]
    assert code == 1
    assert error.endswith("\nerror: differs from video: ann_walk.mp4: other frames.\n")


def test_what_is_given_beside_a_rerun_is_named_and_checked(start, first):
    given = ["stage.learning_rate=1e-3", "hydra.run.dir=again"]
    code, output, error = start("train", "rerun=first", "rerun_check=true", *given)
    assert "differs from first: config: stage.learning_rate 1e-05 -> 0.001" in lines(output)
    assert code == 1
    assert error.splitlines()[0] == "changed: stage.learning_rate=1e-3"
    assert "differs from first: step 1: learning_rate is 0.001, was 1e-05." in error


def test_a_changed_package_is_named(start, first, tmp_path, monkeypatch):
    folder = tmp_path / "packages" / "numpy-9.9.9.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    _, output, _ = start("train", "rerun=first", "hydra.run.dir=again")
    changed = f"packages: numpy {np.__version__} -> 9.9.9"
    assert f"differs from first: {changed}" in lines(output)


def test_the_config_in_a_runs_hydra_folder_starts_the_same_run(start, first, tmp_path):
    options = ["--config-path", str(tmp_path / "first" / ".hydra"), "--config-name", "config"]
    code, _, error = start("train", *options, "hydra.run.dir=again")
    assert code == 0, error
    ours, theirs = (
        list_checkpoints(run)[-1] / "pose_guider.safetensors" for run in ("first", "again")
    )
    assert ours.read_bytes() == theirs.read_bytes()

"""A clip that does not decode in its middle, in every way to train: nothing is called done."""

import json
import re

import pytest

from aa.runs.outcomes import read_outcome
from tests.commands import one_line, run_here
from tests.conftest import TINY_MODEL
from tests.damaged import damaged_clips
from tests.training.test_processes import start

pytestmark = pytest.mark.slow  # some start interpreters that import paddle
COMMON = [
    *TINY_MODEL,
    "hardware=cpu",
    "stage=1",
    "stage.max_steps=8",
    "data=folder",
    "data.folder=clips",
    "data.height=16",
    "data.width=16",
    "data.sample_margin=1",
    "data.num_workers=0",
]
NAMED = "clips/video/a.mp4: "


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    damaged_clips(folder / "clips")
    return folder


@pytest.fixture(scope="module")
def failed(home):
    """The result of a command whose run failed in the folder `failed`."""
    return run_here(home, "train", *COMMON, "hydra.run.dir=failed")


def test_in_two_processes_both_end_and_the_clip_is_named(home):
    own = ["hardware.devices=2", "data.num_workers=1", "hydra.run.dir=two"]
    process = start(home, *COMMON, *own)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert f"error: {NAMED}" in said
    assert "SIGABRT" not in said
    outcome = read_outcome(home / "two")
    assert (outcome["state"], outcome["code"]) == ("failed", 2)
    assert NAMED in outcome["error"]


def test_the_second_stage_of_a_recipe_does_not_start(home):
    recipe = ["+stage@next_stage='2'", "next_stage.init_from=null"]
    recipe += ["next_stage.num_frames=3", "next_stage.max_steps=2", "stage.save_steps=1"]
    line = one_line(run_here(home, "train", *COMMON, *recipe, "hydra.run.dir=recipe"))
    assert line.startswith(NAMED)
    assert re.search(rf"go on from step \d: resume={home}/recipe;", line)
    assert read_outcome(home / "recipe")["state"] == "failed"
    assert not (home / "recipe" / "stage2").exists()


def test_a_sweep_counts_the_job_as_failed_and_goes_on(home):
    own = ["-m", "data.skip_bad=false,true", "hydra.sweep.dir=sweep"]
    process = start(home, *COMMON, *own)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    jobs = sorted((home / "sweep").glob("*/outcome.json"))
    states = [json.loads(job.read_text())["state"] for job in jobs]
    assert states == ["failed", "done"]
    assert f"error: 0_data.skip_bad-False: {NAMED}" in said


def test_a_rerun_of_it_is_no_identical_run(home, failed):
    assert NAMED in one_line(failed)
    again = run_here(home, "train", "rerun=failed", "rerun_check=true", "hydra.run.dir=again")
    assert NAMED in one_line(again)
    assert "identical" not in again.stdout
    whole = ["rerun=failed", "rerun_check=true", "data.skip_bad=true", "hydra.run.dir=whole"]
    result = run_here(home, "train", *whole)
    assert result.returncode == 1
    assert f"error: differs from failed: it has failed: {NAMED}" in result.stderr

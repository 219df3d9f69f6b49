"""Both stages and their test in one run, at the smallest size."""

import json
import shutil
from html.parser import HTMLParser

import pytest

from aa.build.recipe import build_puppet_test, stages_to_train
from aa.build.training import build_trainer
from aa.errors import UserError
from aa.runs.layout import list_checkpoints
from aa.runs.snapshots import read_snapshot
from aa.weights.folders import open_folder
from tests.commands import assert_identical, logged, run_here

TINY = [
    "+experiment=puppets",
    "hardware.devices=1",
    "model.block_out_channels=[8,16]",
    "model.attention_levels=[0]",
    "model.up_attention_levels=null",
    "model.cross_attention_dim=8",
    "model.image_encoder={kind:pooled,hidden_size:16,image_size:16,projection_dim:8}",
    "data.height=16",
    "data.width=16",
    "data.sample_margin=2",
    "data.cache_gb=0.01",
    "stage.max_steps=2",
    "stage.log_steps=1",
    "stage.sample_steps=0",
    "next_stage.max_steps=2",
    "next_stage.log_steps=1",
    "next_stage.num_frames=3",
    "next_stage.sample_steps=0",
    "inference.num_frames=3",
    "inference.num_inference_steps=2",
    "test={num_pairs:3,num_clips:2,clip_frames:3,validation_pairs:2,validation_steps:1}",
]


def train(config, folder):
    """Train and test as the runner does."""
    for stage, its_folder in stages_to_train(config, folder):
        build_trainer(stage, its_folder).train()
    build_puppet_test(config, folder).run()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("recipe")


@pytest.fixture(scope="module")
def overrides(home):
    """Of the command whose run the tests look at."""
    generate = f"{{folder:{home / 'set'},num_clips:4,num_frames:10,fps:8,seed:0,scale:1}}"
    return [*TINY, f"data.generate={generate}"]


@pytest.fixture(scope="module")
def run(home, overrides):
    """The folder of a finished run."""
    result = run_here(home, "train", *overrides, "hydra.run.dir=first")
    assert result.returncode == 0, result.stderr
    return home / "first"


@pytest.fixture(scope="module")
def resumed(compose, home, overrides, run):
    """The folder of a run stopped between the stages and gone on with, saving more often."""
    folder = home / "stopped"
    shutil.copytree(run / "stage1", folder / "stage1")
    changed = [f"resume={folder}", "next_stage.save_steps=1"]
    train(compose("train", [*overrides, *changed]), folder)
    return folder


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {value for key, value in attrs if key in ("src", "href")}


def test_each_stage_has_a_run_folder_of_its_own(run):
    for stage in ("stage1", "stage2"):
        names = {p.name for p in (run / stage).iterdir()}
        assert {"checkpoints", "metrics.jsonl", "snapshot.json", "summary.json"} <= names


def test_the_second_stage_starts_from_the_result_of_the_first(run):
    first, second = (open_folder(run / stage) for stage in ("stage1", "stage2"))
    for name in ("denoising_unet", "reference_unet", "pose_guider", "image_encoder"):
        assert first.sources[name].path.read_bytes() == second.sources[name].path.read_bytes()
    assert "motion_module" in second.sources and "motion_module" not in first.sources


def test_a_run_of_two_stages_gives_the_weights_of_the_last(run):
    assert open_folder(run).path == open_folder(run / "stage2").path


def test_the_report_links_only_files_that_are_there(run):
    links = Links()
    links.feed((run / "report.html").read_text())
    assert len(links.found) > 4
    assert all((run / link).is_file() for link in links.found)


def test_validation_is_recorded_by_step(run):
    lines = (run / "stage1" / "metrics.jsonl").read_text().splitlines()
    scored = [r for r in map(json.loads, lines) if "val/psnr" in r]
    assert [r["step"] for r in scored] == [1, 2]


def test_clips_are_compared_by_stage_and_kind_of_noise(run):
    scores = json.loads((run / "scores.json").read_text())
    assert list(scores["clips"]) == [
        "generated",
        "frozen",
        "stage 1, independent noise",
        "stage 1, shared noise",
        "stage 2, independent noise",
        "stage 2, shared noise",
    ]


def test_a_rerun_gives_the_same_numbers_in_both_stages_and_in_the_test(home, run):
    given = ["rerun=first", "rerun_check=true", "hydra.run.dir=again"]
    result = run_here(home, "train", *given)
    assert_identical(result, "first", "4 steps, 9 weights files, 1 table")
    for stage in ("stage1", "stage2"):
        assert f"same code, packages, data and machine as first/{stage}" in logged(result)


def test_a_run_stopped_between_the_stages_goes_on_to_the_same_numbers(run, resumed):
    whole, stopped = (list_checkpoints(folder / "stage1")[-1] for folder in (run, resumed))
    assert stopped.stat().st_mtime == whole.stat().st_mtime  # as copied, not trained again
    assert (resumed / "scores.json").read_bytes() == (run / "scores.json").read_bytes()


def test_a_finished_stage_keeps_the_settings_that_the_next_one_goes_on_with(resumed):
    assert read_snapshot(resumed)["config"]["next_stage"]["save_steps"] == 1


def test_clips_too_short_for_the_second_stage_are_refused_before_the_first(compose, tmp_path):
    generate = f"{{folder:{tmp_path / 'set'},num_clips:2,num_frames:6,fps:8,seed:0,scale:1}}"
    overrides = [*TINY, f"data.generate={generate}", "next_stage.num_frames=7"]
    with pytest.raises(UserError, match="7"):
        train(compose("train", overrides), tmp_path)
    assert not list_checkpoints(tmp_path / "stage1")


def test_the_report_shows_a_command_that_can_be_given_again(run):
    page = (run / "report.html").read_text()
    assert "python runners/train.py" in page and "hydra.run.dir" not in page


def test_what_the_second_stage_starts_from_is_not_for_the_user_to_say(compose):
    with pytest.raises(UserError, match=r"next_stage\.init_from must be null"):
        compose("train", ["+experiment=puppets", "next_stage.init_from=elsewhere"])


def test_other_data_has_no_figures_to_test_on(compose):
    with pytest.raises(UserError, match="test=null"):
        compose("train", ["+experiment=puppets", "data.generate=null", "data.folder=clips"])


def test_a_size_the_levels_cannot_halve_is_refused(compose):
    with pytest.raises(UserError, match="multiples of 16"):
        compose("train", ["+experiment=puppets", "data.height=72"])

"""Both stages and their test in one run, at the smallest size."""

import json
import shutil
from html.parser import HTMLParser

import pytest

from aa.errors import UserError
from aa.recipe import run_recipe
from aa.snapshots import read_snapshot
from aa.weights.folders import list_checkpoints, open_folder

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


@pytest.fixture(scope="module")
def runs(compose, tmp_path_factory):
    """The folders of two runs of the same command."""
    root = tmp_path_factory.mktemp("recipe")
    generate = f"{{folder:{root / 'set'},num_clips:4,num_frames:10,fps:8,seed:0,scale:1}}"
    config = compose("train", [*TINY, f"data.generate={generate}"])
    folders = [root / "first", root / "second"]
    for folder in folders:
        folder.mkdir()
        run_recipe(config, folder)
    return folders


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {value for key, value in attrs if key in ("src", "href")}


def test_each_stage_has_a_run_folder_of_its_own(runs):
    for stage in ("stage1", "stage2"):
        names = {p.name for p in (runs[0] / stage).iterdir()}
        assert {"checkpoints", "metrics.jsonl", "snapshot.json", "summary.json"} <= names


def test_the_second_stage_starts_from_the_result_of_the_first(runs):
    first, second = (open_folder(runs[0] / stage) for stage in ("stage1", "stage2"))
    for name in ("denoising_unet", "reference_unet", "pose_guider", "image_encoder"):
        assert first.sources[name].path.read_bytes() == second.sources[name].path.read_bytes()
    assert "motion_module" in second.sources and "motion_module" not in first.sources


def test_a_run_of_two_stages_gives_the_weights_of_the_last(runs):
    assert open_folder(runs[0]).path == open_folder(runs[0] / "stage2").path


def test_the_report_links_only_files_that_are_there(runs):
    links = Links()
    links.feed((runs[0] / "report.html").read_text())
    assert len(links.found) > 4
    assert all((runs[0] / link).is_file() for link in links.found)


def test_validation_is_recorded_by_step(runs):
    lines = (runs[0] / "stage1" / "metrics.jsonl").read_text().splitlines()
    scored = [r for r in map(json.loads, lines) if "val/psnr" in r]
    assert [r["step"] for r in scored] == [1, 2]


def test_clips_are_compared_by_stage_and_kind_of_noise(runs):
    scores = json.loads((runs[0] / "scores.json").read_text())
    assert list(scores["clips"]) == [
        "generated",
        "frozen",
        "stage 1, independent noise",
        "stage 1, shared noise",
        "stage 2, independent noise",
        "stage 2, shared noise",
    ]


def test_two_runs_of_the_same_command_give_the_same_numbers(runs):
    first, second = ((run / "scores.json").read_bytes() for run in runs)
    assert first == second


def test_a_run_stopped_between_the_stages_goes_on_to_the_same_numbers(compose, runs, tmp_path):
    stopped = tmp_path / "stopped"
    shutil.copytree(runs[0] / "stage1", stopped / "stage1")
    generate = f"{{folder:{runs[0].parent / 'set'},num_clips:4,num_frames:10,fps:8,seed:0,scale:1}}"
    config = compose("train", [*TINY, f"data.generate={generate}", f"resume={stopped}"])
    before = list_checkpoints(stopped / "stage1")[-1].stat().st_mtime
    run_recipe(config, stopped)
    assert list_checkpoints(stopped / "stage1")[-1].stat().st_mtime == before
    first, second = ((run / "scores.json").read_bytes() for run in (runs[0], stopped))
    assert first == second


def test_a_finished_stage_keeps_the_settings_that_the_next_one_goes_on_with(
    compose, runs, tmp_path
):
    stopped = tmp_path / "stopped"
    shutil.copytree(runs[0] / "stage1", stopped / "stage1")
    generate = f"{{folder:{runs[0].parent / 'set'},num_clips:4,num_frames:10,fps:8,seed:0,scale:1}}"
    changed = [f"data.generate={generate}", f"resume={stopped}", "next_stage.weight_decay=0.5"]
    run_recipe(compose("train", [*TINY, *changed]), stopped)
    assert read_snapshot(stopped)["config"]["next_stage"]["weight_decay"] == 0.5


def test_clips_too_short_for_the_second_stage_are_refused_before_the_first(compose, tmp_path):
    generate = f"{{folder:{tmp_path / 'set'},num_clips:2,num_frames:6,fps:8,seed:0,scale:1}}"
    overrides = [*TINY, f"data.generate={generate}", "next_stage.num_frames=7"]
    with pytest.raises(UserError, match="7"):
        run_recipe(compose("train", overrides), tmp_path)
    assert not list_checkpoints(tmp_path / "stage1")


def test_the_report_shows_a_command_that_can_be_given_again(runs):
    page = (runs[0] / "report.html").read_text()
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

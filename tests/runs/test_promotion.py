"""A checkpoint under a name of its own."""

import json
import shutil

import pytest

from aa.errors import UserError
from aa.runs import promotion
from aa.runs.promotion import checkpoint_at, find_models, promote, read_source
from aa.runs.sealing import fault_in
from aa.weights.folders import open_folder
from tests.conftest import SAMPLING
from tests.full_disk import no_file_larger_than
from tests.runs.folders import make_checkpoint, make_run


@pytest.fixture
def run(tmp_path):
    """A run that has saved steps 5 and 10, of which 5 validated best."""
    lines = [{"step": 5, "loss": 0.5, "val/loss": 0.2}, {"step": 10, "loss": 0.4, "val/loss": 0.3}]
    folder = make_run(tmp_path / "run", lines=lines)
    for step in (5, 10):
        make_checkpoint(folder, step)
    (folder / "checkpoints/best").symlink_to("step-000005")
    (folder / "scores.json").write_text('{"pairs": {"generated": {"psnr": {"mean": 30.0}}}}')
    return folder


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


def test_a_run_stands_for_its_newest_checkpoint(run, models):
    folder, source = promote(run, "walk", models=models)
    assert (folder / "vae.safetensors").read_text() == "vae 10"
    assert source == read_source(folder)
    scores = {"train/loss": 0.4, "val/loss": 0.3, "test/psnr": 30.0}
    assert (source["run"], source["step"], source["scores"]) == (str(run), 10, scores)


def test_the_best_checkpoint_is_promoted_by_its_link(run, models):
    _, source = promote(run / "checkpoints/best", "walk", models=models)
    assert source["checkpoint"] == str(run / "checkpoints/step-000005")
    assert source["scores"] == {"train/loss": 0.5, "val/loss": 0.2}  # the test was of step 10


def test_of_a_run_of_two_stages_the_last_that_has_saved_counts(tmp_path):
    run = make_run(tmp_path / "run")
    make_checkpoint(make_run(run / "stage1"), 5)
    assert checkpoint_at(run).parts[-3:] == ("stage1", "checkpoints", "step-000005")
    make_checkpoint(make_run(run / "stage2"), 3)
    assert checkpoint_at(run).parts[-3:] == ("stage2", "checkpoints", "step-000003")


def test_the_model_is_whole_without_its_run_and_has_no_training_state(run, models):
    folder, _ = promote(run, "walk", models=models)
    shutil.rmtree(run)
    assert fault_in(folder) is None
    found = sorted(path.name for path in folder.iterdir())
    expected = ["config.json", "manifest.json", "pose_guider.safetensors", "source.json"]
    assert found == [*expected, "vae.safetensors"]


def test_on_the_same_disk_the_weights_take_no_room(run, models):
    folder, _ = promote(run, "walk", models=models)
    source = run / "checkpoints/step-000010/vae.safetensors"
    assert (folder / "vae.safetensors").samefile(source)


def test_where_no_link_can_be_made_the_weights_are_copied(run, models, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(18, "another disk")

    monkeypatch.setattr(promotion.os, "link", refuse)
    folder, _ = promote(run, "walk", models=models)
    assert fault_in(folder) is None
    source = run / "checkpoints/step-000010/vae.safetensors"
    assert not (folder / "vae.safetensors").samefile(source)


def test_a_name_is_never_taken_twice(run, models):
    promote(run, "walk", models=models)
    with pytest.raises(UserError, match="walk: is there already"):
        promote(run / "checkpoints/best", "walk", models=models)
    assert (models / "walk/vae.safetensors").read_text() == "vae 10"


@pytest.mark.parametrize("name", ["", "../walk", "a/b", ".hidden", "a b", "x" * 101, "ü", "a\n"])
def test_what_is_no_name_is_refused(name, run, models):
    with pytest.raises(UserError, match="a model's name has letters"):
        promote(run, name, models=models)
    assert not models.exists()


def test_a_checkpoint_that_is_not_whole_is_not_promoted(run, models):
    (run / "checkpoints/step-000010/vae.safetensors").write_text("other")
    with pytest.raises(UserError, match=r"vae\.safetensors has 5 bytes"):
        promote(run, "walk", models=models)
    assert not models.exists()


def test_weights_that_a_link_leads_to_are_not_taken(run, models, tmp_path):
    file = run / "checkpoints/step-000010/vae.safetensors"
    file.rename(tmp_path / "vae")
    file.symlink_to(tmp_path / "vae")
    with pytest.raises(UserError, match="is a link to"):
        promote(run, "walk", models=models)


def test_a_full_disk_leaves_no_half_model(run, models):
    with no_file_larger_than(10), pytest.raises(OSError):
        promote(run, "walk", models=models)
    assert list(find_models(models)) == []
    assert [path.name for path in models.iterdir() if path.is_dir()] == []


def test_a_run_without_a_checkpoint_has_nothing_to_promote(tmp_path, models):
    with pytest.raises(UserError, match="has no checkpoint"):
        promote(make_run(tmp_path / "run", runner="infer"), "walk", models=models)
    with pytest.raises(UserError, match="no such run"):
        promote(tmp_path / "nothing", "walk", models=models)
    with pytest.raises(UserError, match="no such checkpoint"):
        promote(tmp_path / "run/checkpoints/step-000005", "walk", models=models)


def test_a_damaged_source_is_named(run, models):
    folder, _ = promote(run, "walk", models=models)
    (folder / "source.json").write_text(json.dumps({"step": "many"}))
    with pytest.raises(UserError, match=r"source\.json: cannot be read"):
        read_source(folder)


def test_a_promoted_training_is_a_weights_folder(trained, models):
    run = trained("stage=1", *SAMPLING)
    folder, source = promote(run, "walk", models=models)
    assert source["step"] == 2
    weights = open_folder(folder)
    assert (weights.layout, weights.model) == (3, open_folder(run).model)

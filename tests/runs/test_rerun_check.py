"""A rerun's result is the run's, or the first difference is said. The files are made by hand."""

import json

import pytest

from aa.config.primary import InferConfig
from aa.errors import DifferenceError, UserError
from aa.runs.outcomes import write_outcome
from aa.runs.rerun_check import check_rerun, differences


@pytest.fixture
def trained(tmp_path):
    """Function (name of a run folder) -> a whole training of two recorded steps."""

    def build(name):
        folder = tmp_path / name
        (folder / "checkpoints" / "step-000002").mkdir(parents=True)
        write_records(folder)
        (folder / "summary.json").write_text('{"steps": 2}')
        for part in ("vae", "pose_guider"):
            write_weights(folder, part)
        return folder

    return build


def write_records(folder, loss=0.25, **more):
    records = [
        {"step": 1, "loss": 0.5, "learning_rate": 1e-3, "grad_norm": 1.0, "seconds_per_step": 3},
        {"step": 2, "val/psnr": 20.5},
        {"step": 2, "loss": loss, "learning_rate": 1e-3, "grad_norm": 2.0, **more},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))


def write_weights(folder, part, content=b"weights"):
    (folder / "checkpoints" / "step-000002" / f"{part}.safetensors").write_bytes(content)


def write_video(folder, **changed):
    folder.mkdir()
    hashes = {"float32": "aa", "uint8": "bb", **changed}
    video = {"video": str(folder / "ann_walk.mp4"), "seconds": 3.0, "sha256_of_frames": hashes}
    (folder / "summary.json").write_text(json.dumps({"videos": [video]}))
    return folder


def first(old, new):
    return next(differences(old, new), None)


def test_the_same_numbers_and_weights_are_identical(trained, caplog):
    old, new = trained("old"), trained("new")
    with caplog.at_level("INFO"):
        check_rerun(old, new)
    assert caplog.messages == [f"identical to {old}: 2 steps, 2 weights files"]


def test_times_and_memory_may_differ(trained):
    old, new = trained("old"), trained("new")
    write_records(new, seconds_per_step=9, memory_gb=4)
    assert first(old, new) is None


def test_a_changed_loss_is_named_with_its_step_and_both_values(trained):
    old, new = trained("old"), trained("new")
    write_records(new, loss=0.25000001)
    assert first(old, new) == "step 2: loss is 0.25000001, was 0.25."


def test_a_missing_record_is_named(trained):
    old, new = trained("old"), trained("new")
    lines = (new / "metrics.jsonl").read_text().splitlines(keepends=True)
    (new / "metrics.jsonl").write_text("".join(lines[:2]))
    assert first(old, new) == "step 2: has no record, there was one."


def test_a_changed_weight_is_named_by_its_file(trained):
    old, new = trained("old"), trained("new")
    write_weights(new, "pose_guider", b"weightS")
    assert first(old, new) == "step-000002/pose_guider.safetensors: other weights."


def test_a_missing_file_of_weights_is_named(trained):
    old, new = trained("old"), trained("new")
    (new / "checkpoints" / "step-000002" / "vae.safetensors").unlink()
    assert first(old, new) == "step-000002/vae.safetensors is missing."


def test_the_stages_of_a_recipe_are_compared_one_by_one(trained, tmp_path):
    for run in ("old", "new"):
        for stage in ("stage1", "stage2"):
            trained(f"{run}/{stage}")
    write_records(tmp_path / "new" / "stage2", loss=0.3)
    line = first(tmp_path / "old", tmp_path / "new")
    assert line == "stage2, step 2: loss is 0.3, was 0.25."


def test_a_changed_score_is_named(trained):
    old, new = trained("old"), trained("new")
    for folder, psnr in ((old, 26.5), (new, 26.25)):
        (folder / "scores.json").write_text(json.dumps({"pairs": {"psnr": psnr}}))
    assert first(old, new) == "scores.json: pairs.psnr is 26.25, was 26.5."


def test_videos_are_compared_by_their_frames(tmp_path):
    old = write_video(tmp_path / "old")
    assert first(old, write_video(tmp_path / "same")) is None
    other = write_video(tmp_path / "other", float32="cc", uint8="dd")
    assert first(old, other) == "ann_walk.mp4: other frames."


def test_frames_that_only_rounding_makes_alike_are_not_identical(tmp_path):
    old, new = write_video(tmp_path / "old"), write_video(tmp_path / "new", float32="cc")
    assert first(old, new) == "ann_walk.mp4: frames differ before they are rounded to 8 bits."


def test_a_run_without_a_result_is_nothing_to_compare_with(tmp_path):
    (tmp_path / "old").mkdir()
    assert first(tmp_path / "old", tmp_path / "old") == "it has no result to compare with."


def test_a_run_that_failed_is_identical_to_none(trained):
    old, new = trained("old"), trained("new")
    write_outcome(old, error="a.mp4: no video.", code=2, seconds=1)
    assert first(old, new) == "it has failed: a.mp4: no video."


def test_a_run_that_was_stopped_is_identical_to_none(trained):
    old, new = trained("old"), trained("new")
    (old / ".hydra").mkdir()  # it has begun, and has no outcome
    assert first(old, new) == "it is interrupted: there is no whole result to compare with."


def test_runs_that_both_ended_at_the_same_early_step_are_not_identical(trained):
    old, new = trained("old"), trained("new")
    (new / "summary.json").unlink()
    assert first(old, new) == f"this one has ended early: there is no {new / 'summary.json'}."
    (old / "summary.json").unlink()
    assert first(old, new) == f"it has ended early: there is no {old / 'summary.json'}."


def test_a_difference_has_an_exit_code_of_its_own(trained):
    old, new = trained("old"), trained("new")
    write_records(new, loss=0.3)
    with pytest.raises(DifferenceError, match=r"step 2: loss is 0\.3, was 0\.25\.") as error:
        check_rerun(old, new)
    assert error.value.code == 1


def test_a_check_without_a_run_to_compare_with_is_refused():
    with pytest.raises(UserError, match="add rerun=<its folder>"):
        InferConfig(weights="w", reference="r.png", pose="p.mp4", rerun_check=True)

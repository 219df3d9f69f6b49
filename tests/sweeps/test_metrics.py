"""What a run has come to, from folders written by hand."""

import pytest

from aa.errors import UserError
from aa.runs.metrics import Metric, direction, job_metrics

VALIDATED = [
    {"step": 1, "loss": 0.9},
    {"step": 2, "val/loss": 0.5, "val/psnr": 20.0},
    {"step": 2, "loss": 0.4},
    {"step": 4, "val/loss": 0.7, "val/psnr": 21.0},
    {"step": 5, "loss": 0.6},
]


def test_the_training_loss_is_the_last_recorded_one(make_run):
    assert job_metrics(make_run("run", lines=VALIDATED))["train/loss"] == Metric(0.6, 5)


def test_validation_is_the_best_of_the_run_with_its_step(make_run):
    found = job_metrics(make_run("run", lines=VALIDATED))
    assert (found["val/loss"], found["val/psnr"]) == (Metric(0.5, 2), Metric(21.0, 4))


def test_of_two_stages_the_last_counts(make_run):
    run = make_run("run/stage1", lines=VALIDATED).parent
    make_run("run/stage2", lines=[{"step": 3, "loss": 0.1, "val/loss": 0.8}])
    assert job_metrics(run) == {"train/loss": Metric(0.1, 3), "val/loss": Metric(0.8, 3)}


def test_a_run_in_its_first_stage_has_no_final_loss_yet(make_run):
    run = make_run("run/stage1", lines=[{"step": 1, "loss": 0.5}]).parent
    assert job_metrics(run) == {}


def test_validation_of_the_first_stage_counts_where_the_second_has_none(make_run):
    run = make_run("run/stage1", lines=VALIDATED).parent
    make_run("run/stage2", lines=[{"step": 3, "loss": 0.1}])
    assert job_metrics(run)["val/loss"] == Metric(0.5, 2)


def test_what_is_no_finite_number_is_no_value(make_run):
    lines = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": None, "val/loss": float("nan")}]
    lines += [{"step": 3, "loss": float("inf"), "val/psnr": "high"}]
    assert job_metrics(make_run("run", lines=lines)) == {"train/loss": Metric(2.0, 1)}


def test_a_file_cut_short_counts_as_far_as_it_goes(make_run):
    run = make_run("run", lines=VALIDATED, scores='{"pairs": {"gener', metrics="[1, 2]")
    with open(run / "metrics.jsonl", "a") as file:
        file.write('{"step": 6, "loss": 0.')
    assert job_metrics(run)["train/loss"] == Metric(0.6, 5)


def test_the_scores_of_a_test_are_means_over_figures(make_run):
    scores = {"psnr": {"mean": 25.5, "count": 4}, "ssim": {"mean": None}}
    run = make_run("run", scores={"pairs": {"generated": scores}})
    assert job_metrics(run) == {"test/psnr": Metric(25.5)}


def test_an_evaluation_has_means_over_clips_and_one_value_of_fvd(make_run):
    metrics = {"lpips": {"mean": 0.25}, "fvd": {"value": 300.0, "samples": 4}}
    run = make_run("run", metrics={"metrics": metrics})
    assert job_metrics(run) == {"eval/lpips": Metric(0.25), "eval/fvd": Metric(300.0)}


def test_a_folder_without_records_has_no_metrics(tmp_path):
    assert job_metrics(tmp_path / "none") == {}


def test_errors_are_better_low_and_likeness_high():
    lower = ("train/loss", "eval/lpips", "eval/fvd", "eval/temporal_error_figure")
    assert {direction(name) for name in lower} == {"min"}
    assert {direction(name) for name in ("val/psnr_figure", "test/ssim")} == {"max"}


def test_a_metric_that_no_run_has_is_refused():
    with pytest.raises(UserError, match=r"val/speed: no such metric; .* loss, psnr"):
        direction("val/speed")

"""The work that a run has done, by its records."""

import json

import pytest

from aa.runs.summary import read_run
from aa.runs.work import MOST, Work, total_work
from tests.runs.folders import make_run


def line(step, samples=4, frames=32, *, seconds=0.5, minutes=1.0):
    """A line of `metrics.jsonl`: steps of so many samples and frames."""
    speed = {"samples_per_second": samples / seconds, "frames_per_second": frames / seconds}
    return {"step": step, "loss": 1.0, "seconds_per_step": seconds, **speed} | {
        "training_minutes": minutes
    }


def test_a_training_has_done_what_its_steps_took(tmp_path):
    lines = [line(1), line(10, seconds=0.1), {"step": 10, "val/loss": 0.5}, line(12, minutes=2.5)]
    assert read_run(make_run(tmp_path / "run", lines=lines)).work == Work(12, 48, 384, 150.0)


def test_a_run_of_two_stages_has_done_both(tmp_path):
    folder = make_run(tmp_path / "run")
    make_run(folder / "stage1", lines=[line(5)])
    make_run(folder / "stage2", lines=[line(2, samples=1, frames=24)])
    assert read_run(folder).work == Work(7, 22, 208, 120.0)


def test_records_of_older_versions_tell_the_steps_alone(tmp_path):
    run = make_run(tmp_path / "run", lines=[{"step": 4, "loss": 0.5}])
    assert read_run(run).work == Work(steps=4)


def test_an_animation_has_made_videos_of_so_many_frames(tmp_path):
    run = make_run(tmp_path / "run", runner="infer")
    videos = [{"frames": 24, "seconds": 2.5}, {"frames": 10, "seconds": 1.0}]
    (run / "summary.json").write_text(json.dumps({"videos": videos}))
    assert read_run(run).work == Work(0, 2, 34, 3.5)


def test_a_measurement_has_measured_clips_of_so_many_frames(tmp_path):
    run = make_run(tmp_path / "run", runner="evaluate")
    (run / "metrics.json").write_text('{"num_clips": 3, "num_frames": 72}')
    assert read_run(run).work == Work(0, 3, 72, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples_per_second": 1e308, "seconds_per_step": 1e308},
        {"samples_per_second": -4},
        {"samples_per_second": "many"},
        {"seconds_per_step": None},
    ],
)
def test_rates_that_are_none_count_nothing(tmp_path, wrong):
    run = make_run(tmp_path / "run", lines=[line(2) | wrong])
    assert (read_run(run).work.steps, read_run(run).work.items) == (2, 0)


def test_a_count_is_never_more_than_a_float_can_tell(tmp_path):
    run = make_run(tmp_path / "run", lines=[line(2**62)])
    assert read_run(run).work.items == MOST


def test_of_several_the_known_times_count():
    parts = [Work(1, 2, 3, 4.0), Work(1, 2, 3, None)]
    assert total_work(parts) == Work(2, 4, 6, 4.0)
    assert total_work([]) == Work()

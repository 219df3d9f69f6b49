"""What VisualDL's own reader finds in a run folder, and snapshots."""

import json
import shutil

import pytest
from visualdl import LogReader

from aa.files import write_json
from aa.runs.fingerprints import fingerprint
from aa.runs.lines import read_records
from aa.runs.records import Recorder
from aa.runs.trackers import TrackedRun
from aa.training.records import StepSize, _number
from tests.conftest import SAMPLING

HPARAM = ("hyper_parameters", "hparam")  # VisualDL's names


def test_visualdl_reads_the_scalars_and_pictures_of_a_run(trained):
    (record,) = (trained("stage=1", *SAMPLING) / "vdl").iterdir()
    tags = LogReader(file_path=str(record)).get_tags()
    assert {"train/loss", "train/learning_rate", "train/grad_norm"} <= set(tags["scalar"])
    assert tags["image"] == ["sample/reference_pose_result_truth"]
    steps = [
        point.id for point in LogReader(file_path=str(record)).get_data("scalar", "train/loss")
    ]
    assert steps == [1, 2]


def test_a_snapshot_names_config_seed_packages_and_data(trained):
    snapshot = json.loads((trained("stage=1") / "snapshot.json").read_text())
    assert snapshot["seed"] == snapshot["config"]["seed"] == 42
    assert snapshot["config"]["stage"]["max_steps"] == 2
    assert snapshot["packages"]["ppdiffusers"]
    assert len(snapshot["data"]["files"]) == 7  # three clips, their pose videos, their parameters


def test_a_fingerprint_changes_with_the_content(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    before = fingerprint([file])
    file.write_bytes(b"two")
    assert fingerprint([file]) != before


def test_json_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "summary.json"
    write_json(target, {"a": 1})
    assert [p.name for p in tmp_path.iterdir()] == ["summary.json"]
    assert json.loads(target.read_text()) == {"a": 1}


def test_a_step_of_two_seconds_has_half_its_frames_and_utilization_a_second():
    speed = StepSize(samples=2, frames=8, tokens=512, model_share=0.6).speed(2)
    assert speed == {
        "samples_per_second": 1,
        "frames_per_second": 4,
        "tokens_per_second": 256,
        "model_flops_utilization": 0.3,
    }


def test_a_run_with_a_plan_and_a_known_peak_records_its_utilization(train, tmp_path):
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run" / "plan.json", {"model_tflop": 0.002})
    folder = train("run", "stage=1", "+hardware.peak_tflops.float32=0.1", "stage.log_steps=1")
    line = read_records(folder / "metrics.jsonl")[0]
    share = 0.002 / 0.1
    assert line["model_flops_utilization"] == pytest.approx(share / line["seconds_per_step"])


def test_tokens_are_the_places_of_the_latents(train):
    line = read_records(train("run", "stage=1", "data.height=64") / "metrics.jsonl")[0]
    assert line["tokens_per_second"] == pytest.approx(line["frames_per_second"] * 8 * 2)


def fill(folder, steps):
    recorder = Recorder(folder)
    for step in steps:
        recorder.record(step, loss=step / 2)
    recorder.close()


def seen(folder):
    """Steps of metrics.jsonl and of VisualDL."""
    (file,) = (folder / "vdl").iterdir()
    points = LogReader(file_path=str(file)).get_data("scalar", "train/loss")
    return [r["step"] for r in read_records(folder / "metrics.jsonl")], [p.id for p in points]


def test_a_run_that_goes_on_drops_the_records_of_later_steps(tmp_path):
    fill(tmp_path, [1, 2, 3])
    Recorder(tmp_path, step=2).close()
    assert seen(tmp_path) == ([1, 2], [1, 2])


def test_a_move_of_visualdl_records_that_was_stopped_half_way_doubles_none(tmp_path):
    fill(tmp_path, [1, 2])
    (file,) = (tmp_path / "vdl").iterdir()
    shutil.copyfile(file, file.with_name("vdlrecords.0000000001.log"))
    Recorder(tmp_path, step=2).close()
    assert seen(tmp_path) == ([1, 2], [1, 2])


def described(folder):
    """The records of hyper-parameters, as {key: value}, and of metrics, as tags."""
    (file,) = (folder / "vdl").iterdir()
    found = [value.hparam for value in LogReader(file_path=str(file)).get_data(*HPARAM)]
    return [
        (
            {i.name: getattr(i, i.WhichOneof("type")) for i in h.hparamInfos},
            [m.name for m in h.metricInfos],
        )
        for h in found
    ]


def test_a_training_tells_visualdl_its_hyper_parameters_and_metrics(train):
    folder = train("run", "stage=1", "stage.learning_rate=0.5", "validation.num_clips=1")
    ((values, metrics),) = described(folder)
    assert values == {"stage/learning_rate": 0.5, "data/height": 16, "data/width": 16, "seed": 42}
    assert metrics == ["train/loss", "val/loss"]


def test_a_run_that_goes_on_has_its_hyper_parameters_once_as_they_are_now(tmp_path):
    for step, seed in ((0, 1), (1, 2)):
        run = TrackedRun(tmp_path, "run", {}, {"seed": seed}, ["train/loss"])
        recorder = Recorder(tmp_path, step=step, run=run)
        recorder.begin()
        recorder.record(step + 1, loss=1.0)
        recorder.close()
    assert described(tmp_path) == [({"seed": 2}, ["train/loss"])]
    assert seen(tmp_path) == ([1, 2], [1, 2])


def test_steps_without_numbers_are_cut_back_too(tmp_path):
    (tmp_path / "nonfinite.jsonl").write_text('{"step": 1}\n{"step": 4}\n{"st')
    Recorder(tmp_path, step=3).close()
    assert (tmp_path / "nonfinite.jsonl").read_text() == '{"step": 1}\n'


def test_no_number_is_recorded_as_none():
    assert [_number(x) for x in (0.5, float("nan"), float("inf"), None)] == [0.5, None, None, None]

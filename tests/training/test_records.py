"""What VisualDL's own reader finds in a run folder, and snapshots."""

import json

from visualdl import LogReader

from aa.fingerprints import fingerprint
from aa.runs import write_json


def test_visualdl_reads_the_scalars_and_pictures_of_a_run(train):
    options = ["stage.sample_steps=2", "inference.num_frames=2", "inference.num_inference_steps=1"]
    folder = train("run", "stage=1", *options)
    (record,) = (folder / "vdl").iterdir()
    tags = LogReader(file_path=str(record)).get_tags()
    assert {"train/loss", "train/learning_rate", "train/grad_norm"} <= set(tags["scalar"])
    assert tags["image"] == ["sample/reference_pose_result_truth"]
    steps = [
        point.id for point in LogReader(file_path=str(record)).get_data("scalar", "train/loss")
    ]
    assert steps == [1, 2]


def test_a_snapshot_names_config_seed_packages_and_data(train):
    snapshot = json.loads((train("run", "stage=1") / "snapshot.json").read_text())
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

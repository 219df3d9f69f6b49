"""`runners/runs.py` as it is typed."""

import json

from tests.commands import one_line, run_light
from tests.runs.folders import make_checkpoint, make_run


def test_two_runs_are_compared_and_the_exit_code_is_0(tmp_path):
    for seed in (1, 2):
        make_run(tmp_path / f"run{seed}", seed=seed)
    done = run_light(tmp_path, "runs", "diff", "run1", "run2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2].split() == ["seed", "1", "2"]


def test_the_list_is_json_if_asked(tmp_path):
    make_run(tmp_path / "outputs/run", lines=[{"step": 3, "loss": 0.5}], seed=1)
    done = run_light(tmp_path, "runs", "--json", "state=done")
    (run,) = json.loads(done.stdout)
    assert (run["folder"], run["metrics"]["train/loss"]) == (
        "outputs/run",
        {"value": 0.5, "step": 3},
    )


def test_what_is_no_run_is_one_line(tmp_path):
    done = run_light(tmp_path, "runs", "diff", "a", "b")
    assert one_line(done).startswith("a: no such run; ")


def test_a_run_is_annotated_and_found_by_it(tmp_path):
    for seed in (1, 2):
        make_run(tmp_path / f"outputs/run{seed}", seed=seed)
    for words in (
        ["note", "outputs/run1", "the one of the paper"],
        ["tag", "outputs/run1", "paper", "old", "--remove", "old"],
        ["star", "outputs/run1"],
    ):
        done = run_light(tmp_path, "runs", *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run_light(tmp_path, "runs", "note", "outputs/run1").stdout == "the one of the paper\n"
    lines = run_light(tmp_path, "runs", "tag=paper", "star=true").stdout.splitlines()
    assert len(lines) == 3 and "* paper ..." in lines[1] and lines[1].endswith("outputs/run1")
    (run,) = json.loads(run_light(tmp_path, "runs", "--json", "star=true").stdout)
    assert (run["note"], run["tags"], run["star"]) == ("the one of the paper", ["paper"], True)


def test_a_query_has_a_column_for_each_metric_it_names(tmp_path):
    for number in (1, 2):
        make_run(tmp_path / f"outputs/run{number}", lines=[{"step": 1, "val/loss": number / 10}])
    done = run_light(tmp_path, "runs", "query", "val/loss<0.15", "sort=val/loss")
    title, row, _ = done.stdout.splitlines()
    assert title.split()[3] == "val/loss" and row.split()[2] == "0.1"


def test_a_checkpoint_gets_a_name_and_its_run_is_known_by_it(tmp_path):
    make_checkpoint(make_run(tmp_path / "outputs/run", lines=[{"step": 5, "loss": 0.5}]), 5)
    done = run_light(tmp_path, "runs", "promote", "outputs/run", "walk")
    assert done.stdout.splitlines() == [
        "models/walk: step 5 of outputs/run, train/loss 0.5",
        "take it with weights=models/walk",
    ]
    again = run_light(tmp_path, "runs", "promote", "outputs/run", "walk")
    assert one_line(again).startswith("models/walk: is there already; ")
    done = run_light(tmp_path, "runs", "lineage", "outputs/run")
    assert "promoted from, checkpoints/step-000005: models/walk (model)" in done.stdout

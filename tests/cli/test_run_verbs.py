"""`runners/runs.py` as it is typed."""

import json

from tests.commands import one_line, run_light
from tests.runs.folders import make_run


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

"""What is removed, and what never is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aa.cli.runs import remove
from aa.errors import UserError
from aa.runs.removal import Guard, remove_run
from aa.runs.summary import read_run
from tests.runs.folders import make_run, make_sweep, written

RUNNER = Path(__file__).parents[2] / "runners/runs.py"


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_the_filters_select_is_removed(tmp_path, capsys):
    make_run(tmp_path / "bad", ends="failed")
    make_run(tmp_path / "good")
    remove(tmp_path, ["state=failed"], yes=True)
    assert left(tmp_path) == ["good"]
    assert "removed 1 run, " in capsys.readouterr().out


def test_without_a_filter_nothing_is_removed(tmp_path):
    make_run(tmp_path / "run")
    with pytest.raises(UserError, match="wants a filter"):
        remove(tmp_path, [], yes=True)


def test_where_nobody_can_be_asked_nothing_is_removed(tmp_path):
    make_run(tmp_path / "run")
    command = [sys.executable, RUNNER, "--outputs", tmp_path, "--remove", "state=done"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, left(tmp_path)) == (2, ["run"])
    assert "add --yes" in done.stderr


@pytest.mark.parametrize(("answer", "kept"), [("", ["run"]), ("no", ["run"]), ("yes", [])])
def test_the_question_is_answered_with_no_unless_somebody_says_yes(
    answer, kept, tmp_path, monkeypatch
):
    make_run(tmp_path / "run")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    remove(tmp_path, ["state=done"], yes=False)
    assert left(tmp_path) == kept


def test_a_run_that_is_written_is_kept_and_said(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    with written(run):
        remove(tmp_path, ["kind=train"], yes=True)
    assert left(tmp_path) == ["run"]
    assert f"kept    {run}: is running" in capsys.readouterr().out


def test_a_run_that_begins_after_the_question_is_kept(tmp_path, monkeypatch):
    run, holders = make_run(tmp_path / "run"), []

    def begin(question):
        holders.append(written(run))
        holders[0].__enter__()
        return "yes"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", begin)
    remove(tmp_path, ["state=done"], yes=False)
    holders[0].__exit__(None, None, None)
    assert left(tmp_path) == ["run"]


def test_a_run_cannot_be_removed_while_it_is_held(tmp_path):
    run = read_run(make_run(tmp_path / "run"))
    with written(run.folder), pytest.raises(UserError, match="is being written by"):
        remove_run(run)
    assert left(tmp_path) == ["run"]


@pytest.mark.parametrize(
    "config",
    [
        {"stage": {"init_from": "first"}},
        {"stage": {"init_from": "first/checkpoints/step-000500"}},
        {"weights": "latest"},
        {"data": {"folders": ["first/videos"]}},
    ],
)
def test_what_a_running_run_was_given_is_kept(config, tmp_path, capsys):
    make_run(tmp_path / "first")
    (tmp_path / "latest").symlink_to("first")
    second = make_run(tmp_path / "second", **config)
    with written(second):
        remove(tmp_path, ["state=done"], yes=True)
    assert left(tmp_path) == ["first", "latest", "second"]
    assert f"first: is used by {second}, which is running" in capsys.readouterr().out


def test_a_run_that_may_be_beginning_is_kept(tmp_path, capsys):
    run = make_run(tmp_path / "run", ends=None)
    remove(tmp_path, ["state=interrupted"], yes=True)
    assert f"{run}: was written just now" in capsys.readouterr().out
    for file in (*run.iterdir(), run):
        os.utime(file, (0, 1))
    remove(tmp_path, ["state=interrupted"], yes=True)
    assert left(tmp_path) == []


def test_what_a_finished_run_was_given_is_removed(tmp_path):
    make_run(tmp_path / "first")
    make_run(tmp_path / "second", ends="failed", stage={"init_from": "first"})
    remove(tmp_path, ["state=done"], yes=True)
    assert left(tmp_path) == ["second"]


def test_the_jobs_of_a_running_sweep_are_kept(tmp_path, capsys):
    sweep = make_sweep(tmp_path / "sweep")
    with written(sweep):
        remove(tmp_path, ["state=done"], yes=True)
    assert {"0_job", "1_job"} <= set(left(sweep))
    assert "0_job: its sweep is running" in capsys.readouterr().out


def test_what_a_running_sweep_will_give_its_jobs_is_kept(tmp_path):
    make_run(tmp_path / "first")
    sweep = make_sweep(tmp_path / "sweep")
    arguments = f'["stage.init_from={tmp_path}/zeroth,{tmp_path}/first"]'
    (sweep / "sweep.json").write_text(f'{{"arguments": {arguments}}}')
    first = read_run(tmp_path / "first")
    with written(sweep):
        assert "is used by" in Guard(tmp_path).reason(first, ())


def test_a_sweep_goes_with_its_last_job(tmp_path):
    sweep = make_sweep(tmp_path / "sweep")
    remove(tmp_path, ["state=done"], yes=True)
    assert not sweep.exists()


def test_a_sweep_with_a_job_left_stays(tmp_path):
    sweep = make_sweep(tmp_path / "sweep")
    (sweep / "1_job/outcome.json").write_text('{"state": "failed"}')
    remove(tmp_path, ["state=failed"], yes=True)
    assert {"0_job", "sweep.json"} <= set(left(sweep))


def test_a_run_that_holds_another_is_kept_unless_that_goes_too(tmp_path):
    outer = make_run(tmp_path / "outer")
    make_run(outer / "inner", ends="failed")
    remove(tmp_path, ["state=done"], yes=True)
    assert outer.exists()
    remove(tmp_path, ["kind=train"], yes=True)
    assert not outer.exists()


def test_what_a_link_leads_to_stays(tmp_path):
    run, other = make_run(tmp_path / "outputs/run"), tmp_path / "weights"
    other.mkdir()
    (run / "checkpoints").mkdir()
    (run / "checkpoints/best").symlink_to(other)
    (other / "file").touch()
    remove(tmp_path / "outputs", ["state=done"], yes=True)
    assert (left(tmp_path / "outputs"), left(other)) == ([], ["file"])


def test_a_removal_that_is_stopped_leaves_nothing_that_looks_like_a_run(tmp_path, monkeypatch):
    make_run(tmp_path / "run")

    def stop(folder, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            remove(tmp_path, ["state=done"], yes=True)
    (hidden,) = left(tmp_path)
    assert hidden.startswith(".run.") and hidden.endswith(".removed")
    make_run(tmp_path / "other")
    remove(tmp_path, ["state=done"], yes=True)
    assert left(tmp_path) == []


def test_an_unknown_key_ends_with_exit_code_2(tmp_path):
    command = [sys.executable, RUNNER, "--outputs", tmp_path, "hight=3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: hight: no such key")

"""What is found below outputs/, and what is told of it."""

import os

import pytest

from aa.cli.run_tables import print_runs, spell_age
from aa.errors import UserError
from aa.runs.disk import disk_size
from aa.runs.listing import find_runs, list_runs
from aa.runs.summary import read_run
from tests.runs.folders import make_run, make_sweep, written


def names(outputs):
    return sorted(str(folder.relative_to(outputs)) for folder in find_runs(outputs))


def test_single_runs_jobs_and_runs_in_any_folder_are_found(tmp_path):
    make_run(tmp_path / "2026-01-01/10-00-00_stage1")
    make_run(tmp_path / "demo/deep/run")
    make_sweep(tmp_path / "multirun/day/sweep", jobs=1)
    expected = ["2026-01-01/10-00-00_stage1", "demo/deep/run", "multirun/day/sweep/0_job"]
    assert names(tmp_path) == expected


def test_the_stages_of_a_run_are_parts_of_it(tmp_path):
    run = make_run(tmp_path / "run")
    make_run(run / "stage1")
    assert names(tmp_path) == ["run"]


def test_a_run_that_a_link_leads_to_is_found_once(tmp_path):
    make_run(tmp_path / "run")
    (tmp_path / "latest").symlink_to("run")
    assert names(tmp_path) == ["run"]


def test_a_job_that_has_not_begun_is_waiting(tmp_path):
    sweep = make_sweep(tmp_path / "sweep", jobs=0)
    (sweep / "0_job").mkdir()
    (sweep / "0_job/job.json").write_text('{"swept": {"seed": 3}}')
    (run,) = list_runs(tmp_path)
    assert (run.state, run.kind, run.overrides) == ("waiting", "train", ["seed=3"])


def test_the_last_written_run_comes_first(tmp_path):
    for name, written_at in (("old", 1), ("new", 3), ("middle", 2)):
        run = make_run(tmp_path / name)
        for file in (*run.iterdir(), run):
            os.utime(file, (0, written_at))
    assert [run.folder.name for run in list_runs(tmp_path)] == ["new", "middle", "old"]


def test_a_run_tells_its_step_and_its_best_known_metric(tmp_path):
    lines = [{"step": 2, "loss": 0.5, "val/loss": 0.3}, {"step": 4, "loss": 0.4, "val/loss": 0.6}]
    run = read_run(make_run(tmp_path / "run", lines=lines, stage={"max_steps": 10}))
    assert (run.step, run.steps, run.metric) == (4, 10, ("val/loss", 0.3))


def test_of_two_stages_the_last_that_has_begun_counts(tmp_path):
    folder = make_run(tmp_path / "run", stage={"max_steps": 10}, next_stage={"max_steps": 20})
    make_run(folder / "stage1", lines=[{"step": 10, "loss": 0.5}])
    make_run(folder / "stage2", lines=[{"step": 5, "loss": 0.4}])
    run = read_run(folder)
    assert (run.stage, run.step, run.steps) == ("stage2", 5, 20)


def test_a_run_that_ended_before_its_snapshot_has_the_config_that_hydra_wrote(tmp_path):
    folder = make_run(tmp_path / "run", ends="failed")
    (folder / "snapshot.json").unlink()
    (folder / ".hydra/config.yaml").write_text("seed: 7\nstage: {learning_rate: 0.1}\n")
    (folder / ".hydra/hydra.yaml").write_text("hydra: {job: {name: infer}, runtime: {cwd: /x}}\n")
    run = read_run(folder)
    assert (run.kind, run.config, str(run.home)) == (
        "infer",
        {"seed": 7, "stage.learning_rate": 0.1},
        "/x",
    )


def test_a_link_takes_no_room_of_what_it_leads_to(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 1_000_000)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/link").symlink_to(tmp_path / "large")
    assert disk_size(tmp_path / "run") < 100_000 < disk_size(tmp_path)


def test_the_table_shows_folders_as_arguments_take_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    overrides = ["+experiment=smoke", "stage.learning_rate=1e-4"]
    folder = make_run(tmp_path / "outputs/run", overrides=overrides)
    with written(folder):
        print_runs(list_runs("outputs"))
    _, row, end = capsys.readouterr().out.splitlines()
    assert row.startswith("train  running") and row.endswith("  outputs/run")
    assert "experiment=smoke learning_rate=1e-4" in row
    assert end.startswith("1 run: 1 running; ")


def test_the_table_shows_words_of_files_as_they_are_and_they_steer_nothing(tmp_path, capsys):
    word = "\x1b[2J[red]x[/red]:smile:"
    folder = tmp_path / f"outputs/{word.replace('/', '')}"
    make_run(folder, ends=word, runner=f"{word.replace('/', '')}x", overrides=[f"{word}={word}"])
    print_runs(list_runs(tmp_path / "outputs"))
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[1].count("\\x1b[2J[red]x[") == 5
    assert "1 \\x1b[2J[red]x[/red]:smile:; " in lines[-1]


def test_an_age_is_told_in_its_largest_unit():
    assert [spell_age(s) for s in (0, 59, 150, 7200, 200_000)] == [
        "0 s",
        "59 s",
        "2 min",
        "2 h",
        "2 d",
    ]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        list_runs(tmp_path / "nothing")

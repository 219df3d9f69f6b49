"""A run writes into its folder only: what leads elsewhere is refused before it starts."""

import os
import shutil

import pytest

from aa.errors import UserError
from aa.runs.links import check_free_of_links, check_own
from aa.runs.lock import held, is_held
from aa.runs.resume import locate, repair
from aa.runs.sealing import partial_folder, seal
from tests.runs.folders import make_run

NAMES = (".command.lock", "train.log", "vdl", "checkpoints", "samples", "snapshot-1.json")


@pytest.mark.parametrize("name", [*NAMES, "output.log", "logs/0.log", "stage1"])
def test_a_link_out_of_a_run_folder_is_refused(tmp_path, name):
    link = make_run(tmp_path / "run") / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path)
    with pytest.raises(UserError, match=rf"{link}: is a link to {tmp_path}; .* or remove it\."):
        check_own(tmp_path / "run")


def test_a_pipe_in_a_run_folder_is_refused(tmp_path):
    os.mkfifo(make_run(tmp_path / "run") / "train.log")
    with pytest.raises(UserError, match=r"train\.log: is no file; remove it"):
        check_own(tmp_path / "run")


@pytest.fixture
def run(tmp_path):
    """A run with a checkpoint of step 2."""
    make_run(tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "step-000002").mkdir(parents=True)
    return tmp_path / "run"


def test_the_link_to_the_best_checkpoint_is_a_runs_own(run):
    (run / "checkpoints" / "best").symlink_to("step-000002")
    check_own(run)
    assert locate(run / "checkpoints" / "best")[2] == 2


def test_a_best_that_leads_to_another_run_is_refused(run):
    (run / "checkpoints" / "best").symlink_to("../../other/checkpoints/step-000002")
    with pytest.raises(UserError, match="best: is a link to"):
        locate(run / "checkpoints" / "best")


def test_a_lock_that_is_a_link_is_neither_taken_nor_written(tmp_path):
    (tmp_path / "outside").write_text("kept")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".command.lock").symlink_to(tmp_path / "outside")
    assert not is_held(tmp_path / "run")
    with pytest.raises(UserError, match="is a link to"), held(tmp_path / "run"):
        pass
    assert (tmp_path / "outside").read_text() == "kept"


def test_a_lock_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / ".command.lock")
    assert not is_held(tmp_path)
    with pytest.raises(UserError, match="that is no file"), held(tmp_path):
        pass


@pytest.fixture
def copied(tmp_path):
    """A run that was copied with its links resolved: `best` is a folder as its checkpoint is."""
    run = make_run(tmp_path / "run")
    target = run / "checkpoints" / "step-000002"
    partial = partial_folder(target)
    partial.mkdir(parents=True)
    (partial / "weights.bin").write_bytes(b"abc")
    seal(partial, target, step=2)
    shutil.copytree(target, target.with_name("best"))
    return run


def test_a_copy_of_the_best_checkpoint_is_deleted_where_it_is_one(copied):
    repair(copied)
    assert sorted(os.listdir(copied / "checkpoints")) == ["step-000002"]


def test_a_folder_in_the_place_of_best_that_is_another_is_set_aside(copied):
    manifest = copied / "checkpoints" / "best" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"step": 2', '"step": 7'))
    repair(copied)
    assert (copied / "checkpoints" / "set_aside" / "best").is_dir()


def test_the_link_that_submitit_leaves_to_its_script_is_a_sweeps_own(tmp_path):
    jobs = tmp_path / "sweep" / ".submitit"
    (jobs / "1").mkdir(parents=True)
    (jobs / "1" / "1_submission.sh").write_text("#!/bin/bash")
    (jobs / ".submission_file_0a1b.sh").symlink_to(jobs / "1" / "1_submission.sh")
    check_own(tmp_path / "sweep")
    (jobs / ".submission_file_0a1c.sh").symlink_to("/etc/hostname")
    with pytest.raises(UserError, match=r"0a1c\.sh: is a link to /etc/hostname"):
        check_own(tmp_path / "sweep")


def test_the_mark_of_an_editor_is_no_link_to_anything(tmp_path):
    (make_run(tmp_path / "run") / ".#train.log").symlink_to("me@host.1234")
    check_own(tmp_path / "run")


def test_a_folder_without_a_run_may_hold_links_that_no_run_writes_through(tmp_path):
    (tmp_path / ".venv").symlink_to("/usr")
    (tmp_path / "clips").symlink_to("/usr")
    check_free_of_links(tmp_path)
    (tmp_path / "train.log").symlink_to("/etc/hostname")
    with pytest.raises(UserError, match=r"train\.log: is a link to"):
        check_free_of_links(tmp_path)

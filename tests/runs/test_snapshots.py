"""A snapshot says what decides a run's result, and a rerun's log what of it differs."""

import json
import os
import platform
import sys
from dataclasses import asdict

import numpy as np
import pytest

from aa.config.evaluation import EvaluateConfig
from aa.errors import UserError
from aa.runs import snapshots
from aa.runs.fingerprints import fingerprint
from aa.runs.snapshots import read_snapshot, write_snapshot


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A package of two files, one config and a runner, outside any checkout."""
    root = tmp_path / "code"
    for name in ("aa/build.py", "aa/data/video.py", "conf/stage/1.yaml", "runners/train.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.setattr(snapshots, "ROOT", root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return root


@pytest.fixture
def snap(tmp_path):
    """Function (run name, run to repeat, files read) -> its snapshot."""

    def write(name, rerun=None, files=()):
        (tmp_path / name).mkdir()
        config = EvaluateConfig(generated="g", truth="t", rerun=rerun and str(tmp_path / rerun))
        write_snapshot(tmp_path / name, asdict(config), fingerprint(files))
        return read_snapshot(tmp_path / name)

    return write


def differences(caplog):
    return [line.split(": ", 1)[1] for line in caplog.messages if line.startswith("differs")]


def test_it_holds_config_command_folders_packages_and_machine(snap, tmp_path):
    snapshot = snap("run")
    assert snapshot["config"]["truth"] == "t"
    assert snapshot["command"][0].endswith(os.path.basename(sys.executable))
    assert snapshot["folder"] == str(tmp_path / "run")
    assert snapshot["working_directory"] == os.getcwd()
    assert snapshot["packages"]["numpy"] == np.__version__
    assert snapshot["machine"]["python"] == platform.python_version()
    assert snapshot["machine"]["cores"] == os.cpu_count()


def test_it_has_a_hash_of_every_file_of_the_code(snap, code):
    assert list(snap("run")["code"]) == [
        "aa/build.py",
        "aa/data/video.py",
        "conf/stage/1.yaml",
        "runners/train.py",
    ]


def test_of_a_wheel_it_has_the_configs_within_and_nothing_beside_it(snap, code):
    (code / "aa" / "conf" / "stage").mkdir(parents=True)
    (code / "aa" / "conf" / "stage" / "1.yaml").touch()
    found = snap("run")
    assert list(found["code"]) == ["aa/build.py", "aa/conf/stage/1.yaml", "aa/data/video.py"]
    assert found["git"] is None


def test_a_rerun_logs_the_changed_file_of_the_code_outside_a_checkout(snap, code, caplog):
    assert snap("run")["git"] is None
    (code / "aa" / "build.py").write_text("changed")
    snap("again", "run")
    assert differences(caplog) == ["code: aa/build.py changed"]


def test_a_rerun_logs_the_changed_file_of_the_data(snap, code, tmp_path, caplog):
    clip = tmp_path / "clip.mp4"
    clip.write_text("before")
    snap("run", files=[clip])
    clip.write_text("after")
    snap("again", "run", files=[clip])
    assert differences(caplog) == [f"data: {clip} changed"]


def test_a_rerun_of_which_nothing_differs_says_so_in_one_line(snap, code, tmp_path, caplog):
    with caplog.at_level("INFO"):
        snap("run")
        snap("again", "run")
    assert caplog.messages == [f"same code, packages, data and machine as {tmp_path / 'run'}"]


def test_a_rerun_goes_on_where_the_runs_snapshot_is_damaged(snap, code, tmp_path, caplog):
    snap("run")
    (tmp_path / "run" / "snapshot.json").write_text("{")
    snap("again", "run")
    assert caplog.messages[0].startswith("nothing to compare with: ")


def test_a_folder_without_a_snapshot_is_no_run(tmp_path):
    with pytest.raises(UserError, match=r"holds no snapshot\.json"):
        read_snapshot(tmp_path)


def test_it_is_json_that_other_programs_read(snap, tmp_path):
    snap("run")
    assert json.loads((tmp_path / "run" / "snapshot.json").read_text())["seed"] is None


def test_a_resumed_run_keeps_its_snapshots_and_logs_what_differs(snap, code, tmp_path, caplog):
    first = snap("run")
    (code / "aa" / "build.py").write_text("changed")
    config = EvaluateConfig(generated="g", truth="t")
    write_snapshot(tmp_path / "run", asdict(config), fingerprint([]))
    assert differences(caplog) == ["code: aa/build.py changed"]
    assert json.loads((tmp_path / "run" / "snapshot-1.json").read_text()) == first
    assert read_snapshot(tmp_path / "run")["code"] != first["code"]

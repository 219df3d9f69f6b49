"""Groups of processes: who starts them, what they are told, how they end."""

import subprocess
import sys
from pathlib import Path

import pytest

from aa.cli.launch import _fail, check_shared_folder, rank_overrides
from aa.config import HardwareConfig
from aa.errors import GroupError, UserError
from aa.processes import wants_group

ROOT = Path(__file__).parents[1]


@pytest.fixture
def as_rank(monkeypatch):
    """This process as the second of a launched group."""
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.setenv("PADDLE_TRAINER_ID", "1")


def test_only_the_first_command_starts_a_group(as_rank, monkeypatch):
    assert not wants_group(HardwareConfig(device="cpu", devices=2))
    monkeypatch.delenv("PADDLE_TRAINERS_NUM")
    assert wants_group(HardwareConfig(device="cpu", devices=2))
    assert not wants_group(HardwareConfig(device="cpu", devices=1))


def test_ranks_started_by_hand_must_share_a_run_folder(as_rank):
    check_shared_folder(["stage=1", "hydra.run.dir=here"], "2 processes")
    with pytest.raises(UserError, match=r"2 processes need one run folder: add hydra.run.dir="):
        check_shared_folder(["stage=1"], "2 processes")


def test_ranks_repeat_the_job_in_its_folder(composed):
    composed("stage='1'", "seed=7", "hydra.run.dir=old", "hydra.job.name=x")
    assert rank_overrides("out/it's,1") == [
        "hydra.job.name=x",
        "stage='1'",
        "seed=7",
        "hydra.run.dir='out/it\\'s,1'",
        "hydra.output_subdir=null",
    ]


def test_a_failing_rank_speaks_for_its_group(tmp_path):
    (tmp_path / "workerlog.0").write_text("step 1\nTerminated\n")
    (tmp_path / "workerlog.1").write_text("Traceback ...\nMemoryError: 3 GB\nbye\n")
    with pytest.raises(
        GroupError, match=r"MemoryError: 3 GB; the processes' output is in"
    ) as error:
        _fail(tmp_path, code=241)
    assert error.value.code == 1
    (tmp_path / "workerlog.1").write_text("error: clip 3 is short.\n")
    with pytest.raises(UserError, match=r"^clip 3 is short\.$"):
        _fail(tmp_path, code=2)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(247, "SIGKILL"), (250, "SIGABRT"), (1, "code 1")],
)
def test_of_a_rank_that_says_nothing_the_signal_is_named(tmp_path, code, reason):
    (tmp_path / "workerlog.0").write_text("step 1\n")
    with pytest.raises(GroupError, match=rf"ended without a word \({reason}\)"):
        _fail(tmp_path, code)


def test_a_rank_that_leaves_is_spared_the_teardown_of_the_libraries():
    script = """
import atexit, ctypes
from aa.processes import leave
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)
atexit.register(print, "tidied up")
leave(3)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (3, "tidied up\n")

"""Two commands never write one run folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aa.errors import UserError
from aa.runs.lock import check_free, held, is_held

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from aa.runs.lock import held
with held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_command_is_refused_and_told_who_holds_the_folder(holder, tmp_path):
    line = rf"is being written by process {holder.pid} on .+, since \d{{4}}-"
    with pytest.raises(UserError, match=line), held(tmp_path):
        pass


def test_it_is_refused_before_it_writes(holder, tmp_path):
    with pytest.raises(UserError, match="is being written by"):
        check_free(tmp_path)


def test_a_killed_process_leaves_no_lock_behind(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    check_free(tmp_path)
    with held(tmp_path):
        pass


def test_a_group_that_lost_its_command_still_holds_the_folder(holder, tmp_path):
    os.rename(tmp_path / ".command.lock", tmp_path / ".writer.lock")
    with pytest.raises(UserError, match="is being written by"), held(tmp_path):
        pass


def test_asking_whether_a_folder_is_held_is_in_nobodys_way(holder, tmp_path):
    assert is_held(tmp_path)
    holder.kill()
    holder.wait()
    assert not is_held(tmp_path)

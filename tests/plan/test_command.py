"""`plan=` as a user types it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aa.errors import UserError
from aa.plan.command import asked, run_plan

RUNNER = Path(__file__).parents[2] / "runners" / "train.py"
SMALL = ["model=parity", "data=puppets", "hardware=cpu"]


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, RUNNER, *SMALL, *arguments],
        env={**os.environ, "PYTHONPATH": str(RUNNER.parents[1])},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_plan_says_what_is_needed_and_starts_nothing(tmp_path):
    done = run(tmp_path, "plan=true")
    assert done.returncode == 0, done.stderr
    assert "kept for the backward pass" in done.stdout
    assert "it fits" in done.stdout
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_ends_with_exit_code_2(tmp_path):
    done = run(tmp_path, "plan=true", "hardware.memory_gb=0.5")
    assert done.returncode == 2
    assert "it does not fit" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["plan=true"], "true"),
        (["plan=True", "plan=max"], "max"),
        (["plan=false"], None),
        ([], None),
    ],
)
def test_the_last_plan_of_a_command_counts(arguments, value):
    assert asked(arguments) == value


def test_another_word_is_refused():
    with pytest.raises(UserError, match="plan must be true or max, got maybe"):
        run_plan(["plan=maybe"], runner=RUNNER)


def test_a_sweep_is_not_planned():
    with pytest.raises(UserError, match="leave out -m"):
        run_plan(["-m", "plan=true"], runner=RUNNER)

"""Whatever bytes a file from somebody else holds, our readers return or refuse it in one line."""

import subprocess
import sys

import pytest

from tests.commands import ROOT
from tests.fuzz.command import USUAL

SEED = 0


def fuzz(folder, *arguments):
    """Try mutants; a failure names each that breaks a promise, and the command to repeat it."""
    command = [sys.executable, "-m", "tests.fuzz", *arguments, "--seed", str(SEED)]
    tried = subprocess.run(
        [*command, "--output", str(folder / "found")], cwd=ROOT, capture_output=True, text=True
    )
    assert tried.returncode == 0, f"{tried.stdout}\n{tried.stderr[-3000:]}"


@pytest.mark.slow
def test_all_that_was_ever_found_is_read_or_refused(tmp_path):
    fuzz(tmp_path, "--kept")


@pytest.mark.slow
@pytest.mark.parametrize("kind", USUAL)
def test_mutants_are_read_or_refused(kind, tmp_path):
    fuzz(tmp_path, "--kind", kind)

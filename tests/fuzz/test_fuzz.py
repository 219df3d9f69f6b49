"""Whatever bytes a file from somebody else holds, our readers return or refuse it in one line."""

import subprocess
import sys

import pytest

from tests.commands import ROOT
from tests.fuzz.command import USUAL

SEED = 0


@pytest.mark.parametrize("kind", USUAL)
def test_mutants_are_read_or_refused(kind, tmp_path):
    command = [sys.executable, "-m", "tests.fuzz", "--kind", kind, "--seed", str(SEED)]
    tried = subprocess.run(
        [*command, "--output", str(tmp_path / "found")], cwd=ROOT, capture_output=True, text=True
    )
    # It names each input that breaks a promise, what happened, and the command to repeat it.
    assert tried.returncode == 0, f"{tried.stdout}\n{tried.stderr[-3000:]}"

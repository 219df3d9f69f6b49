"""Sweeps of a run that takes no time, see `toy/`."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).parent / "toy/runners/toy.py"


class Toy:
    """Sweeps in a folder, by the toy's command."""

    def __init__(self, home):
        self.home, self.folder = home, home / "sweep"
        self.into = f"hydra.sweep.dir={self.folder}"
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.environment.pop("PYTHONUNBUFFERED", None)  # few users set it

    def start(self, *arguments):
        """The command, running."""
        return subprocess.Popen(
            [sys.executable, TOY, *arguments],
            cwd=self.home,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments):
        """(exit code, what it printed, its errors) of the command."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def sweep(self, *arguments):
        """As `run`, of a new sweep into `folder`."""
        return self.run("-m", *arguments, self.into)

    def resume(self, *arguments):
        """As `run`, of going on with that sweep."""
        return self.run(f"sweep.resume={self.folder}", *arguments)

    def outcomes(self):
        """{folder name: how its job ended}, in the order of the names."""
        files = sorted(self.folder.glob("*/outcome.json"))
        return {f.parent.name: json.loads(f.read_text())["state"] for f in files}

    def starts(self):
        """{folder name: how often its job was started}."""
        files = sorted(self.folder.glob("*.begun"))
        return {file.stem: len(file.read_text()) for file in files}


def wait_for(path):
    """Return when there is such a file."""
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} does not appear")

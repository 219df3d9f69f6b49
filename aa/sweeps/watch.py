"""A line for every job that ends, in whichever process or host."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aa.errors import one_line
from aa.runs.layout import OUTCOME
from aa.runs.outcomes import read_outcome

LOOK_EVERY = 1.0  # seconds


class Watch(threading.Thread):
    """Looks for jobs that end, in whichever process or host, until it is stopped.

    Args:
        folder: of the sweep.
        say: called with each line.
    """

    def __init__(self, folder: str | Path, say: Callable[[str], object] = print) -> None:
        super().__init__(daemon=True)
        self.folder, self.say = Path(folder), say
        self.known = self._outcomes()
        self.stopped = threading.Event()

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self.join()

    def run(self) -> None:
        while not self.stopped.wait(LOOK_EVERY):
            self.look()
        self.look()

    def look(self) -> None:
        """Say what has ended since the last look."""
        found = self._outcomes()
        for name, written in found.items():
            outcome = read_outcome(self.folder / name)
            if self.known.get(name) != written and outcome:
                self.say(describe(name, outcome))
        self.known = found

    def _outcomes(self) -> dict[str, int]:
        files = self.folder.glob(f"*/{OUTCOME}")
        found = {}
        for file in files:
            with suppress(FileNotFoundError):  # the job is tried again
                found[file.parent.name] = file.stat().st_mtime_ns
        return found


def describe(name: str, outcome: Mapping[str, Any]) -> str:
    """Say how a job ended, in a line."""
    error = f": {outcome['error']}" if outcome["error"] else ""
    return one_line(f"{name}: {outcome['state']}{error} ({outcome['seconds']:.0f} s)")

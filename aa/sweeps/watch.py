"""A line for every job that ends, in whichever process or machine."""

import threading
from contextlib import suppress
from pathlib import Path

from aa.errors import one_line
from aa.runs.layout import OUTCOME
from aa.runs.outcomes import read_outcome

LOOK_EVERY = 1.0  # seconds


class Watch(threading.Thread):
    """Looks for jobs that end, in whichever process or machine, until it is stopped.

    Args:
        folder: of the sweep.
        say: called with each line.
    """

    def __init__(self, folder, say=print):
        super().__init__(daemon=True)
        self.folder, self.say = Path(folder), say
        self.known = self._outcomes()
        self.stopped = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        self.join()

    def run(self):
        while not self.stopped.wait(LOOK_EVERY):
            self.look()
        self.look()

    def look(self):
        """Say what has ended since the last look."""
        found = self._outcomes()
        for name, written in found.items():
            outcome = read_outcome(self.folder / name)
            if self.known.get(name) != written and outcome:
                self.say(describe(name, outcome))
        self.known = found

    def _outcomes(self):
        files = self.folder.glob(f"*/{OUTCOME}")
        found = {}
        for file in files:
            with suppress(FileNotFoundError):  # the job is tried again
                found[file.parent.name] = file.stat().st_mtime_ns
        return found


def describe(name, outcome):
    """How a job ended, in a line."""
    error = f": {outcome['error']}" if outcome["error"] else ""
    return one_line(f"{name}: {outcome['state']}{error} ({outcome['seconds']:.0f} s)")

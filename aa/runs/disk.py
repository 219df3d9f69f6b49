"""What a run folder takes on the disk, and when it was last written."""

import os
import re
from pathlib import Path

from aa.runs.layout import STAGES

NOTES = re.compile(r"\.?notes\.")  # the notes, their lock, and half-written ones


def disk_size(folder: str | Path) -> int:
    """Bytes that a folder takes on the disk; links are not followed."""
    total, seen = 0, set()
    for name, folders, files in os.walk(folder):
        for entry in (name, *(os.path.join(name, n) for n in (*folders, *files))):
            try:
                status = os.lstat(entry)
            except OSError:  # a running one deletes its old checkpoints; or it is not for us
                continue
            if (status.st_dev, status.st_ino) not in seen:  # a file may have several names
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def last_change(folder: Path) -> float:
    """The last change of what lies in the folder and in those of its stages, but for notes.

    What people say of a run changes the folder too, and is no work of the run.
    """
    times = []
    for place in (folder, *(folder / name for name in STAGES)):
        try:
            entries = [entry for entry in os.scandir(place) if NOTES.match(entry.name) is None]
            times += [entry.stat(follow_symlinks=False).st_mtime for entry in entries]
        except OSError:
            continue
    return max(times, default=folder.stat().st_mtime)

"""What a run folder takes on the disk, when it was last written, if its records have changed."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aa.runs.layout import (
    HYDRA,
    JOB,
    METRICS,
    NOTES,
    OUTCOME,
    SCORES,
    SNAPSHOT,
    STAGES,
    SUMMARY,
    SWEEP,
)

OF_PEOPLE = re.compile(r"\.?notes\.")  # the notes, their lock, and half-written ones
# The files that a summary of a run is read from, in its folder and in those of its stages.
RECORDS = frozenset((SNAPSHOT, OUTCOME, METRICS, NOTES, JOB, SUMMARY, *SCORES))
HYDRAS = frozenset(("config.yaml", "overrides.yaml", "hydra.yaml"))  # in `HYDRA`
INNER = (*STAGES, HYDRA)
MARK_BYTES = 16


@dataclass(frozen=True)
class Sight:
    """What a run folder tells without a file opened.

    Attributes:
        mark: another one where a file that a summary is read from is new, changed or gone.
        changed: see `last_change`.
    """

    mark: bytes
    changed: float


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
    return look(folder).changed


def look(folder: Path, sweep: Path | None = None) -> Sight:
    """Look at a run folder.

    Args:
        folder: the run folder.
        sweep: the folder of the sweep that it is a job of, whose record counts as its own.

    Raises:
        OSError: it is gone.
    """
    marks: list[tuple[str, str, tuple[int, ...]]] = []
    times, parts = [], [""]
    for part in parts:
        names = HYDRAS if part == HYDRA else RECORDS
        for name, status in _entries(os.path.join(folder, part)):
            if name in names:
                marks.append((part, name, _mark(status)))
            elif not part and name in INNER:
                marks.append((name, "", ()))  # a run of two stages, or what Hydra has begun
                parts.append(name)
            if part != HYDRA and OF_PEOPLE.match(name) is None:
                times.append(status.st_mtime)
    if sweep is not None:
        with suppress(OSError):
            marks.append((SWEEP, "", _mark(os.lstat(sweep / SWEEP))))
    mark = hashlib.blake2b(repr(sorted(marks)).encode(), digest_size=MARK_BYTES)
    return Sight(mark.digest(), max(times) if times else folder.stat().st_mtime)


def _entries(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield (name, status) of what lies in a folder; nothing where it is none for us."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.name, entry.stat(follow_symlinks=False)
    except OSError:
        return


def _mark(status: os.stat_result) -> tuple[int, ...]:
    """What changes with a file: also of one that is replaced, or whose times are set back."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

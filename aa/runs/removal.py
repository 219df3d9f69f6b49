"""Removing run folders: none that is used, and none by halves."""

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from aa.config.overrides import assignment
from aa.runs.jobs import short
from aa.runs.kinds import SweepAbout
from aa.runs.layout import SWEEP
from aa.runs.listing import find_runs, list_runs
from aa.runs.lock import COMMAND, WRITER, held, is_held
from aa.runs.outcomes import DONE, FAILED, RUNNING
from aa.runs.summary import Run
from aa.runs.tolerant import TolerantReader

BEGINS = 10.0  # seconds that a run may take to hold a folder that it has written into
REMOVED = ".removed"  # ends the hidden name of what is being deleted


class Guard:
    """Knows which runs are in use.

    Args:
        outputs: the folder whose living runs and sweeps may use others.
    """

    def __init__(self, outputs: str | Path) -> None:
        runs = list_runs(outputs)
        sweeps = {sweep for sweep in _sweeps(outputs) if is_held(sweep)}
        self.used = set()  # (path, who uses it)
        for run in runs:
            if run.state == RUNNING or run.sweep in sweeps:
                self._note(run.folder, run.home, run.config.values())
        for sweep in sweeps:  # its jobs may still be waiting
            about = TolerantReader(sweep).json(SWEEP, SweepAbout) or SweepAbout()
            given = [assignment(a)[1] for a in about.get("arguments", [])]
            values = [value for words in given for value in words.split(",")]
            self._note(sweep, Path(about.get("home", ".")), values)

    def _note(self, user: Path, home: Path, values: Iterable[Any]) -> None:
        for value in values:
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, str):
                    with suppress(ValueError, OSError, RuntimeError):  # no path at all
                        self.used.add(((home / path.strip("'\"[]")).resolve(), user))

    def reason(self, run: Run, removed: Collection[Path]) -> str | None:
        """The reason why a `Run` is kept, asked now; None if nothing speaks against its removal.

        Args:
            removed: folders of all runs that are to be removed.
        """
        if any(is_held(place) for place in _locked_places(run.folder)):
            return "is running"
        if run.sweep and is_held(run.sweep):
            return "its sweep is running"
        if run.state not in (DONE, FAILED) and time.time() - run.changed < BEGINS:
            return "was written just now, and may be beginning"
        whole = run.folder.resolve()
        for path, user in self.used:
            if path.is_relative_to(whole) and not user.resolve().is_relative_to(whole):
                return f"is used by {short(user)}, which is running"
        inner = (f for f in find_runs(run.folder) if f != run.folder and f not in removed)
        first = next(inner, None)
        return first and f"holds {short(first)}, another run"


def remove_run(run: Run) -> None:
    """Delete the folder of a `Run`, which its sweep and it are held for: nobody can resume it.

    Raises:
        UserError: somebody else holds it.
        OSError: it cannot be deleted; what is left of it has a hidden name.
    """
    _delete(run.folder, [run.sweep, run.folder] if run.sweep else [run.folder])


def remove_empty_sweeps(sweeps: Iterable[Path]) -> list[Path]:
    """Delete the folders of sweeps that have no job left, and return them.

    Raises:
        UserError, OSError: as `remove_run`.
    """
    empty = [sweep for sweep in sweeps if next(find_runs(sweep), None) is None]
    for sweep in empty:
        _delete(sweep, [sweep])
    return empty


def _delete(folder: Path, holding: Iterable[Path]) -> None:
    """Give a folder a hidden name, so that nobody takes half of it for a run, then delete it."""
    hidden = folder.with_name(f".{folder.name}.{os.getpid()}{REMOVED}")
    with ExitStack() as stack:
        for place in holding:
            stack.enter_context(held(place))
        os.rename(folder, hidden)
    shutil.rmtree(hidden)


def delete_leftovers(outputs: str | Path) -> None:
    """Delete what an earlier removal that was stopped has left below a folder."""
    for name, folders, _ in os.walk(outputs):
        left = [f for f in folders if f.startswith(".") and f.endswith(REMOVED)]
        folders[:] = [f for f in folders if not f.startswith(".")]
        for folder in left:
            shutil.rmtree(Path(name) / folder, ignore_errors=True)


def _sweeps(outputs: str | Path) -> Iterator[Path]:
    for name, folders, files in os.walk(outputs):
        folders[:] = [f for f in folders if not f.startswith(".")]
        if SWEEP in files:
            yield Path(name)


def _locked_places(folder: Path) -> Iterator[Path]:
    """The folders below, itself included, that somebody may hold."""
    for name, _, files in os.walk(folder):
        if COMMAND in files or WRITER in files:
            yield Path(name)

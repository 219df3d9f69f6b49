"""The runs below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from aa.errors import UserError
from aa.runs.layout import CHECKPOINTS, HYDRA, JOB, SNAPSHOT, STAGES, VISUALDL
from aa.runs.notes import Notes
from aa.runs.summary import Run, read_run, sweep_of
from aa.runs.work import Work

UNREADABLE = "unreadable"
# Of a run, where no other is.
INSIDE = (*STAGES, CHECKPOINTS, "samples", VISUALDL, "logs", "report")


def list_runs(outputs: str | Path) -> list[Run]:
    """The `Run`s below a folder, read now, the one that was last written first.

    `aa.runs.index.RunIndex` gives the same and reads only what has changed.

    Raises:
        UserError: no such folder.
    """
    check_outputs(outputs)
    runs = map(run_or_unreadable, find_runs(outputs))
    return sorted(runs, key=lambda run: run.changed, reverse=True)


def check_outputs(outputs: str | Path) -> None:
    """Refuse what is no folder that runs can be below.

    Raises:
        UserError: there is no such folder.
    """
    if not Path(outputs).is_dir():
        raise UserError(f"{outputs}: no such folder; give the one that runs are below.")


def run_or_unreadable(folder: Path) -> Run:
    """As `read_run`; of a folder that is not for us, that it is there."""
    try:
        return read_run(folder)
    except OSError as error:
        return Run(
            folder=folder,
            sweep=None,
            kind="",
            state=UNREADABLE,
            config={},
            home=Path("."),
            overrides=[],
            step=None,
            steps=None,
            stage="",
            metric=None,
            metrics={},
            work=Work(),
            notes=Notes(),
            seconds=None,
            error=None,
            changed=0.0,
            troubles=[f"{folder}: cannot be read ({error.strerror})"],
        )


def find_runs(outputs: str | Path) -> Iterator[Path]:
    """Yield the run folders below a folder, itself included; links are not followed."""
    for name, folders, files in os.walk(outputs):
        folder, found = Path(name), HYDRA in folders or SNAPSHOT in files
        found = found or (JOB in files and sweep_of(folder) is not None)
        skipped = INSIDE if found else ()
        folders[:] = [f for f in folders if not f.startswith(".") and f not in skipped]
        if found:
            yield folder

"""`runners/runs.py`: the list of runs, and the question before some are removed."""

import sys
from collections.abc import Sequence
from pathlib import Path

from aa.cli.run_tables import count_runs, print_runs, run_values, total
from aa.cli.tables import print_json
from aa.errors import UserError, one_line
from aa.files import NoPlainFileError
from aa.plain import printable
from aa.runs.filters import parse, select
from aa.runs.index import RunIndex
from aa.runs.jobs import short
from aa.runs.listing import list_runs
from aa.runs.queries import parse_query
from aa.runs.removal import Guard, delete_leftovers, remove_empty_sweeps, remove_run
from aa.runs.summary import Run

YES = ("y", "yes")
MOST_TROUBLES = 20  # lines about damaged files


def show(outputs: str | Path, filters: list[str], *, as_json: bool = False) -> None:
    """Print the runs below a folder that all filters hold for, as a table or as JSON.

    Raises:
        UserError: no such folder, or a filter cannot be understood.
    """
    with RunIndex(outputs) as index:  # what printing counts is kept too
        runs = _told(index.runs())
        _print(select(runs, parse(filters, runs)), as_json)


def query(outputs: str | Path, words: list[str], *, as_json: bool = False) -> None:
    """As `show`, in an order, with a column for each metric that is named, see `Query`."""
    with RunIndex(outputs) as index:
        runs = _told(index.runs())
        asked = parse_query(words, runs)
        _print(asked.runs(runs), as_json, asked.metrics)


def _print(runs: list[Run], as_json: bool, metrics: Sequence[str] = ()) -> None:
    if as_json:
        print_json([run_values(run) for run in runs])
    else:
        print_runs(runs, metrics=metrics)


def remove(outputs: str | Path, filters: list[str], *, yes: bool) -> None:
    """Print them, ask, and delete those that nothing uses; say which were kept and why.

    Args:
        outputs: the folder that the runs are below.
        filters: texts, at least one.
        yes: do not ask.

    Raises:
        UserError: as `show`, nobody can be asked, or a folder cannot be deleted.
    """
    if not filters:
        raise UserError("--remove wants a filter, as state=failed; what it selects is removed.")
    runs = _told(list_runs(outputs))  # as they are: no copy decides what is deleted
    runs = select(runs, parse(filters, runs))
    print_runs(runs)
    delete_leftovers(outputs)
    runs = _removable(runs, Guard(outputs))
    if not runs:
        print("nothing to remove")
        return
    if not (yes or _agreed(f"Remove {count_runs(runs)}, {total(runs)}? yes/[no] ")):
        print("nothing was removed")
        return
    removed, troubles = _remove(runs, Guard(outputs))  # others may have begun in the meantime
    print(f"removed {count_runs(removed)}, {total(removed)}")
    if troubles:
        raise UserError(f"not everything could be deleted: {'; '.join(troubles)}.")


def _told(runs: list[Run]) -> list[Run]:
    """Runs; what of them is damaged is reported."""
    troubles = list(dict.fromkeys(line for run in runs for line in run.troubles))
    for line in troubles[:MOST_TROUBLES]:
        print(f"damaged: {one_line(line)}", file=sys.stderr)
    if troubles[MOST_TROUBLES:]:
        print(f"damaged: and {len(troubles) - MOST_TROUBLES} files more", file=sys.stderr)
    return runs


def _removable(runs: list[Run], guard: Guard) -> list[Run]:
    """Those that nothing uses, a run before one that holds it; the others are reported."""
    folders = {run.folder for run in runs}
    deepest_first = sorted(runs, key=lambda run: len(run.folder.parts), reverse=True)
    for run in deepest_first:
        if reason := guard.reason(run, folders):
            _say_kept(run, reason)
            folders.remove(run.folder)
    return [run for run in deepest_first if run.folder in folders]


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError("nobody can be asked here; add --yes to remove them.")
    try:
        return input(question).strip().lower() in YES
    except EOFError:
        return False


def _remove(runs: list[Run], guard: Guard) -> tuple[list[Run], list[str]]:
    """Remove runs; return those that were, and a line about each folder that could not be."""
    removed, troubles = [], []
    for run in runs:
        reason = guard.reason(run, ())
        try:
            if reason is None:
                remove_run(run)
                removed.append(run)
        except NoPlainFileError as error:  # what should be its lock is none
            troubles.append(one_line(error))
        except UserError:  # somebody began just now
            reason = "is running"
        except OSError as error:
            troubles.append(f"{short(run.folder)} ({error.strerror})")
        if reason:
            _say_kept(run, reason)
    try:
        for sweep in remove_empty_sweeps({run.sweep for run in removed if run.sweep}):
            print(f"removed {printable(short(sweep))}, which had no job left")
    except UserError as error:
        print(f"kept    {one_line(error)}")
    except OSError as error:
        troubles.append(f"{error.filename} ({error.strerror})")
    return removed, troubles


def _say_kept(run: Run, reason: str) -> None:
    print(f"kept    {one_line(f'{short(run.folder)}: {reason}')}")

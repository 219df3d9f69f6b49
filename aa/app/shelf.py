"""The runs there are: the one place in which the page asks for them."""

import shlex
from pathlib import Path

from aa.errors import UserError
from aa.runs.filters import is_metric_key
from aa.runs.listing import Run, list_runs
from aa.runs.queries import parse_query


def all_runs(outputs: Path) -> list[Run]:
    """The runs below a folder, the one that was last written first; none without the folder."""
    return list_runs(outputs) if outputs.is_dir() else []


def find_runs(outputs: Path, text: str) -> tuple[list[Run], list[str]]:
    """Runs that a search holds for, and the metrics that it names.

    Args:
        outputs: the folder that runs are below.
        text: filters, `sort=<key>`, `limit=<number>` as of `aa runs query`; any other word must be
            in a run's folder, overrides, tags or note.

    Raises:
        UserError: a filter cannot be understood.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UserError(f"this search cannot be read: {error}.") from error
    runs = all_runs(outputs)
    plain = [word.lower() for word in words if not set(word) & set("=<>")]
    asked = parse_query([word for word in words if set(word) & set("=<>")], runs)
    found = [run for run in runs if all(word in _words(run) for word in plain)]
    return asked.runs(found), [key for key in asked.metrics if is_metric_key(key)]


def _words(run: Run) -> str:
    notes = run.notes
    said = [str(run.folder), *run.overrides, *notes.get("tags", []), notes.get("note", "")]
    return " ".join(said).lower()

"""Runs as a table on a terminal."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.filesize import decimal

from aa.cli.tables import print_line, print_table
from aa.errors import one_line
from aa.runs.jobs import short
from aa.runs.summary import Run

COLUMNS = ("kind", "state", "step", "metric", "age", "size", "tags", "set", "folder")
LONGEST = 48  # characters of the overrides
COLOURS = {
    **{"running": "cyan", "done": "green", "failed": "red", "interrupted": "yellow"},
    **{"waiting": "dim", "unreadable": "dim"},
}
AGES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def print_runs(runs: Sequence[Run], *, metrics: Sequence[str] = ()) -> None:
    """Print a table of `Run`s and a line of sums; lines may be longer than the terminal is wide.

    Args:
        runs: in their order.
        metrics: to show, a column each; else the best known one of each run.
    """
    now, rows = time.time(), []
    for run in runs:
        found = [_value(run, name) for name in metrics] or [_metric(run)]
        age, size = spell_age(now - run.changed), decimal(run.size)
        row = [run.kind, run.state, _steps(run), *found, age, size, _notes(run), _overrides(run)]
        rows.append([*row, short(run.folder)])
    if runs:
        columns = (*COLUMNS[:3], *(metrics or COLUMNS[3:4]), *COLUMNS[4:])
        print_table(columns, rows, colours=COLOURS)
    states = ", ".join(f"{count} {state}" for state, count in _states(runs))
    print_line(f"{count_runs(runs)}{': ' * bool(states)}{states}; {total(runs)}")


def run_values(run: Run) -> dict[str, Any]:
    """A `Run` as plain values, for JSON."""
    names = ("folder", "sweep", "kind", "state", "stage", "step", "steps", "overrides", "config")
    return {
        **{name: getattr(run, name) for name in names},
        "metrics": {name: asdict(metric) for name, metric in run.metrics.items()},
        **run.notes,
        "work": asdict(run.work),
        "seconds": run.seconds,
        "error": run.error,
        "changed": run.changed,
        "size": run.size,
    }


def count_runs(runs: Sequence[Run]) -> str:
    """ "1 run", "3 runs"."""
    return f"{len(runs)} run{'s' * (len(runs) != 1)}"


def total(runs: Iterable[Run]) -> str:
    """The size on disk of all."""
    return decimal(sum(run.size for run in runs))


def spell_age(seconds: float) -> str:
    """ "3 d" of some seconds, in the largest unit there is a whole one of."""
    unit, length = next((u for u in AGES if seconds >= u[1]), AGES[-1])
    return f"{max(0, seconds) // length:.0f} {unit}"


def _states(runs: Iterable[Run]) -> list[tuple[str, int]]:
    return Counter(run.state for run in runs).most_common()


def _steps(run: Run) -> str:
    if run.steps is None:
        return ""
    part = f"{run.stage.removeprefix('stage')}: " if run.stage else ""
    return f"{part}{run.step or 0}/{run.steps}"


def _metric(run: Run) -> str:
    return f"{run.metric[0]} {run.metric[1]:.4g}" if run.metric else ""


def _value(run: Run, name: str) -> str:
    return f"{run.metrics[name].value:.4g}" if name in run.metrics else ""


def _notes(run: Run) -> str:
    """A star, the tags, and dots where there is a note to read."""
    star, note = "*" * run.notes.get("star", False), "..." * bool(run.notes.get("note"))
    return " ".join(filter(None, (star, ",".join(run.notes.get("tags", [])), note)))


def _overrides(run: Run) -> str:
    """The last parts of the keys, which tell enough, and the values."""
    pairs = (override.lstrip("+").partition("=") for override in run.overrides)
    text = one_line(" ".join(f"{key.split('.')[-1]}={value}" for key, _, value in pairs))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

"""Runs as a table on a terminal."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from aa.cli.tree import WIDE
from aa.errors import one_line
from aa.plain import printable
from aa.runs.jobs import short
from aa.runs.listing import Run

LONGEST = 48  # characters of the overrides
COLOURS = {"running": "cyan", "done": "green", "failed": "red", "interrupted": "yellow"}
AGES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def print_runs(runs: Sequence[Run]) -> None:
    """Print a table of `Run`s and a line of sums; lines may be longer than the terminal is wide."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("kind", "state", "step", "metric", "age", "size", "set"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("age", "size") else "left")
    table.add_column("folder", no_wrap=True)  # the last one: it is as long as it is
    now = time.time()
    for run in runs:
        age, size = spell_age(now - run.changed), decimal(run.size)
        cells = (_steps(run), _metric(run), age, size, _overrides(run), short(run.folder))
        state = _cell(run.state, COLOURS.get(run.state, "dim"))
        table.add_row(_cell(run.kind), state, *map(_cell, cells))
    console = Console(highlight=False, markup=False, emoji=False, width=WIDE)
    if runs:
        console.print(table, soft_wrap=True)
    states = ", ".join(f"{count} {state}" for state, count in _states(runs))
    sums = f"{count_runs(runs)}{': ' * bool(states)}{states}; {total(runs)}"
    console.print(printable(sums), soft_wrap=True)


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


def _cell(text: object, style: str = "") -> Text:
    """A cell whose text is shown as it is: rich takes brackets in a plain one for styles."""
    return Text(printable(text), style=style)


def _states(runs: Iterable[Run]) -> list[tuple[str, int]]:
    return Counter(run.state for run in runs).most_common()


def _steps(run: Run) -> str:
    if run.steps is None:
        return ""
    part = f"{run.stage.removeprefix('stage')}: " if run.stage else ""
    return f"{part}{run.step or 0}/{run.steps}"


def _metric(run: Run) -> str:
    return f"{run.metric[0]} {run.metric[1]:.4g}" if run.metric else ""


def _overrides(run: Run) -> str:
    """The last parts of the keys, which tell enough, and the values."""
    pairs = (override.lstrip("+").partition("=") for override in run.overrides)
    text = one_line(" ".join(f"{key.split('.')[-1]}={value}" for key, _, value in pairs))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

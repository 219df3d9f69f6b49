"""`aa runs diff A B`: two runs side by side, what differs first."""

import json
import sys
from pathlib import Path
from typing import Any

from aa.cli.tables import print_json, print_line, print_table
from aa.errors import one_line
from aa.runs.comparison import Group, Row, compare_runs
from aa.runs.differences import ABSENT
from aa.runs.jobs import run_at, short, spelled

LONGEST = 72  # characters of a value
MOST_TROUBLES = 20  # lines about damaged files


def diff(first: str, second: str, *, everything: bool = False, as_json: bool = False) -> None:
    """Print what differs between two runs, a table for each kind of fact.

    Args:
        first, second: run folders, or checkpoints in them.
        everything: also what does not differ, behind what does.
        as_json: as JSON.

    Raises:
        UserError: one of them is no run.
    """
    runs = run_at(first), run_at(second)
    groups, troubles = compare_runs(*runs)
    for line in troubles[:MOST_TROUBLES]:
        print(f"damaged: {one_line(line)}", file=sys.stderr)
    if as_json:
        print_json({"runs": [str(run) for run in runs], **_plain(groups, everything)})
        return
    for group in sorted(groups, key=lambda group: not group.differing):
        _show(group, runs, everything)


def _plain(groups: list[Group], everything: bool) -> dict[str, Any]:
    found = {}
    for group in groups:
        found[group.name] = {
            "differing": [_values(row) for row in group.differing],
            "same": len(group.same),
        }
        if everything:
            found[group.name]["values"] = {row.key: row.first for row in group.same}
    return found


def _values(row: Row) -> dict[str, Any]:
    """A row as JSON; a run that has no such key has no value there."""
    both = {"first": row.first, "second": row.second}
    return {"key": row.key, **{k: value for k, value in both.items() if value is not ABSENT}}


def _show(group: Group, runs: tuple[Path, Path], everything: bool) -> None:
    count = len(group.differing) + len(group.same)
    if not count:
        print_line(f"{group.name}: neither run has any")
        return
    rows = group.differing + (group.same if everything else [])
    said = f"{len(group.differing)} of {count} differ" if group.differing else f"all {count} equal"
    print_line(f"{group.name}: {said}")
    if rows:
        cells = [(row.key, _text(row.first), _text(row.second)) for row in rows]
        print_table((group.name, *map(short, runs)), cells)
        print_line("")


def _text(value: Any) -> str:
    """A value in a cell: of a long one its start."""
    if value is ABSENT:
        return "-"
    text = one_line(json.dumps(value) if isinstance(value, dict) else spelled(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

"""The numbers of a sweep as plain values and as a table for other programs."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, astuple
from typing import Any

from aa.plain import csv_cell
from aa.reports.importance import importances
from aa.reports.results import Group, Sweep, totals
from aa.runs.jobs import short, spelled

OF_JOB = ("number", "state", "swept", "last_lines", "command")
OF_RUN = ("step", "seconds", "error")
OF_WORK = ("steps", "items", "frames", "seconds in steps")


def as_json(sweep: Sweep, groups: Sequence[Group]) -> dict[str, Any]:
    """All numbers of the page, its curves aside, as plain values that strict JSON has."""
    return _strict(_values(sweep, groups))


def _values(sweep: Sweep, groups: Sequence[Group]) -> dict[str, Any]:
    return {
        "folders": [short(folder) for folder in sweep.folders],
        "sweep": sweep.about,
        "swept": sweep.keys,
        "metric": sweep.metric,
        "direction": sweep.direction,
        "states": sweep.states,
        "over_seeds": [asdict(group) for group in groups],
        "totals": [asdict(total) for total in totals(sweep)],
        "importance": [asdict(one) for one in importances(sweep)],
        "jobs": [
            {
                "folder": short(job.folder),
                **{key: getattr(job, key) for key in OF_JOB},
                **{key: getattr(job.run, key) for key in OF_RUN},
                "work": asdict(job.run.work),
                "metrics": {name: asdict(found) for name, found in job.metrics.items()},
            }
            for job in sweep.jobs
        ],
    }


def as_csv(sweep: Sweep) -> str:
    """One line a job, best first."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    steps = [f"step of {name}" for name in sweep.metrics]
    titles = ["job", "state", *sweep.keys, *sweep.metrics, *steps, *OF_RUN, *OF_WORK]
    writer.writerow(map(csv_cell, [*titles, "folder"]))
    for job in sweep.jobs:
        found = [job.metrics.get(name) for name in sweep.metrics]
        swept = [spelled(job.swept[key]) if key in job.swept else "" for key in sweep.keys]
        numbers = [*(m and m.value for m in found), *(m and m.step for m in found)]
        row = [job.number, job.state, *swept, *numbers]
        row += [*(getattr(job.run, key) for key in OF_RUN), *astuple(job.run.work)]
        writer.writerow(map(csv_cell, [*row, short(job.folder)]))
    return file.getvalue()


def _strict(value: Any) -> Any:
    """A value of JSON, its numbers that are not finite as texts."""
    if isinstance(value, dict):
        return {key: _strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value

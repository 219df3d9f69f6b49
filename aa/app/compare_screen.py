"""Runs side by side: what of their configs differs, curves, scores, samples of one step."""

import shlex
from pathlib import Path
from typing import Any

from flask import Blueprint, render_template, request

from aa.app import curves
from aa.app.desk import desk
from aa.app.media import results_of, samples_of
from aa.errors import UserError
from aa.processes import runner_command
from aa.runs.comparison import GROUPS, SHORT_HASH, facts_of
from aa.runs.differences import ABSENT
from aa.runs.jobs import short, spelled
from aa.runs.layout import SWEEP
from aa.runs.listing import list_runs
from aa.runs.metrics import direction, is_metric, stage_curves
from aa.runs.resume import NOT_DECISIVE
from aa.runs.tolerant import TolerantReader

screen = Blueprint("compare", __name__)

ORDER = ("results", "config", *(name for name in GROUPS if name not in ("results", "config")))
MOST = 6  # runs, as there are colours
LONGEST = 80  # characters of a value
NOWHERE = "–"  # for one that a run has not
MOST_ROWS = 400  # of those that do not differ


@screen.get("/compare")
def compare() -> str:
    """Some runs, or those of a sweep."""
    asked = _folders()
    folders = asked[:MOST]
    facts = [facts_of(TolerantReader(folder)) for folder in folders]
    names = [desk().places.name(folder) for folder in folders]
    groups = [(name, *_rows([of[name] for of in facts])) for name in ORDER] if facts else []
    steps, samples = _samples(folders)
    return render_template(
        "compare.html",
        names=names,
        colours=curves.COLOURS,
        groups=[group for group in groups if any(group[1:])],
        plots=_plots(dict(zip(names, folders, strict=True))),
        steps=steps,
        samples=samples,
        results=[results_of(folder)[:1] for folder in folders],
        runs=[desk().places.name(run.folder) for run in desk().shelf.runs()[:200]],
        report=_report(),
        to_report=_to_report(),
        left=len(asked) - len(folders),
        most=MOST,
    )


def _folders() -> list[Path]:
    """The run folders that are asked for, each once."""
    places, sweep = desk().places, request.args.get("sweep")
    if sweep:
        home = _sweep(sweep)
        found = [run.folder for run in list_runs(home)]
    else:
        found = [places.run(name) for name in dict.fromkeys(request.args.getlist("run")) if name]
    return found


def _sweep(name: str) -> Path:
    folder = desk().places.folder(str(desk().places.outputs / name))
    if not (folder / SWEEP).is_file():
        raise UserError("there is no such sweep.")
    return folder


def _report() -> Path | None:
    """The report of the sweep that is asked for, if it is written."""
    sweep = request.args.get("sweep")
    page = _sweep(sweep) / "report.html" if sweep else None
    return page if page and page.is_file() else None


def _to_report() -> str:
    """The command that writes the report of the sweep that is asked for; "" where it is written."""
    sweep = request.args.get("sweep")
    if not sweep or _report():
        return ""
    return f"{runner_command('report')} {shlex.quote(short(_sweep(sweep)))}"


def _rows(facts: list[dict[str, Any]]) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """(rows that differ, rows that not every run has, rows that are equal) of one kind of fact.

    Those that decide a result come first.
    """
    differing, partly, same = [], [], []
    for key in dict.fromkeys(key for of in facts for key in of):
        values = [of.get(key, ABSENT) for of in facts]
        row = (key, [_text(value) for value in values], _best(key, values))
        if ABSENT in values:
            partly.append(row)
        else:
            (same if len({repr(value) for value in values}) == 1 else differing).append(row)
    differing.sort(key=lambda row: row[0] in NOT_DECISIVE)
    return differing, partly[:MOST_ROWS], same[:MOST_ROWS]


def _best(key: str, values: list[Any]) -> int | None:
    """The number of the run whose value of a metric is the best."""
    numbers = [v if isinstance(v, int | float) else None for v in values]
    if not is_metric(key) or None in numbers or len(set(numbers)) < 2:
        return None
    best = min if direction(key) == "min" else max
    return numbers.index(best(numbers))  # pyright: ignore[reportCallIssue, reportArgumentType]


def _text(value: Any) -> str:
    if isinstance(value, dict):  # of a file: its hash tells it apart
        value = str(value.get("sha256", ""))[:SHORT_HASH]
    text = NOWHERE if value is ABSENT else spelled(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _plots(folders: dict[str, Path]) -> list[curves.Plot]:
    """A plot for each metric, of the last stage that has it."""
    found: dict[str, dict[str, Any]] = {}
    for name, folder in folders.items():
        for of_stage in stage_curves(TolerantReader(folder))[0].values():
            for metric, points in of_stage.items():
                found.setdefault(metric, {})[name] = points
    return curves.plots(found)


def _samples(folders: list[Path]) -> tuple[list[str], list[list[Path]]]:
    """The steps that there are samples of, and those of the one that is asked for, or most have."""
    by_run = [{sample.title: sample.files for sample in samples_of(f)} for f in folders]
    titles = list(dict.fromkeys(title for of in by_run for title in of))
    shared = sorted(titles, key=lambda title: -sum(title in of for of in by_run))
    asked = request.args.get("step", "")
    chosen = asked if asked in titles else (shared[0] if shared else "")
    first = [chosen] if chosen else []
    return [*first, *(t for t in titles if t != chosen)], [of.get(chosen, []) for of in by_run]

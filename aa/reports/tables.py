"""The tables of a sweep's page: jobs, means over seeds, failures."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aa.reports.importance import importances
from aa.reports.pages import CELL, NOTHING, Html, joined, lines, note, row
from aa.reports.results import ALL, SEED, Group, Sweep, Total, totals
from aa.runs.jobs import spelled
from aa.runs.outcomes import DONE

PRE = Html("<pre>{}</pre>")
TIMES = ("time", "time in steps")  # of the last start, of the steps of all starts
TALL = 30  # rows from which a table scrolls inside the page


def jobs_table(sweep: Sweep) -> Html:
    """All jobs, best first, in columns that can be sorted; the best finished one stands out."""
    titles = ["job", "state", *sweep.keys, *sweep.metrics, "step"]
    titles += [sweep.items, "frames", *TIMES, "to do it again"]
    if sweep.metric:
        titles.insert(titles.index(sweep.metric) + 1, "at step")
    rows, best = [], next((job.number for job in sweep.ranked if job.done), None)
    for job in sweep.jobs:
        cells = [_cell(job.number), _cell(job.state)]
        cells += [_swept(job.swept, key) for key in sweep.keys]
        for name in sweep.metrics:
            found = job.metrics.get(name)
            cells.append(_number(found and found.value))
            if name == sweep.metric:
                cells.append(_cell(found and found.step))
        work = job.run.work
        cells += [_cell(job.run.step), _cell(work.items or None), _cell(work.frames or None)]
        cells += [_time(job.run.seconds), _time(work.seconds)]
        cells.append(Html("<td><code>{}</code></td>").format(job.command))
        rows.append((cells, job.number == best))
    return _sortable(titles, rows)


def totals_table(sweep: Sweep) -> Html:
    """Time and work of the jobs by their states, of all, and of a finished one on average."""
    rows = []
    for total in totals(sweep):
        rows.append((_total(total.of, total, 1), total.of == ALL))
        if total.of == DONE and total.jobs > 1:
            rows.append((_total(f"{DONE}, on average", total, total.jobs), False))
    text = Html(
        "{}: of each job's last start, if it has ended by itself. {}: the sum over all its starts, "
        "without what lies between: samples, validation, checkpoints."
    ).format(*(time.capitalize() for time in TIMES))
    return _sortable(["jobs", "count", "steps", sweep.items, "frames", *TIMES], rows) + note(text)


def _total(title: str, total: Total, jobs: int) -> list[Html]:
    """The cells of a total, divided by a number of jobs."""
    work, count = total.work, total.jobs if jobs == 1 else None
    counts = [number / jobs for number in (work.steps, work.items, work.frames)]
    numbers = [_cell(number or None, f"{number:,.0f}") for number in counts]
    times = [_time(None if t is None else t / jobs) for t in (total.seconds, work.seconds)]
    return [_cell(title), _cell(count), *numbers, *times]


def groups_table(sweep: Sweep, groups: Sequence[Group]) -> Html:
    """Mean and interval over seeds."""
    keys = [key for key in sweep.keys if key != SEED]
    rows = []
    for place, group in enumerate(groups):
        half = "" if group.half is None else Html(" &plusmn; {:.2g}").format(group.half)
        cells = [_swept(group.swept, key) for key in keys]
        mean = Html('<td data-v="{!r}">{:.5g}{}</td>').format(group.mean, group.mean, half)
        rows.append(([*cells, mean, _cell(group.count)], place == 0))
    return _sortable([*keys, f"mean {sweep.metric}", "seeds"], rows)


def importance_table(sweep: Sweep) -> Html:
    """Shares of the swept keys, and which way the metric goes with them; empty if none is known."""
    rows = []
    for one in importances(sweep):
        way = None
        if one.correlation is not None:
            better = (one.correlation > 0) == (sweep.direction == "max")
            way = f"{one.correlation:+.2f}, {'more' if better else 'less'} is better"
        cells = [_cell(one.key), _cell(one.share, f"{one.share:.0%}"), _cell(one.correlation, way)]
        rows.append(([*cells, _cell(one.jobs)], False))
    if not rows:
        return Html()
    text = Html(
        "Finished jobs: the share of the variance of the ranks of {} that a key explains alone. A "
        "metric that first falls and then rises has little; keys that change together have the "
        "same."
    ).format(sweep.metric)
    return _sortable(["key", "share", "rank correlation", "jobs"], rows) + note(text)


def failures(sweep: Sweep) -> Html:
    """Errors of the jobs that failed, and what they printed last."""
    parts = []
    for job in sweep.jobs:
        if job.state not in ("failed", "interrupted"):
            continue
        error = job.run.error or "It stopped before its end and left no error behind."
        printed = PRE.format("\n".join(job.last_lines)) if job.last_lines else ""
        texts = (job.number, job.state, error, printed, PRE.format(job.command))
        parts.append(Html("<h3>Job {} {}</h3>\n<p>{}</p>\n{}{}").format(*texts))
    return lines(parts)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _sortable(titles: Sequence[str], rows: Sequence[tuple[list[Html], bool]]) -> Html:
    """Rows of (cells with their tags, whether it is the best)."""
    head = joined(Html('<th scope="col">{}</th>').format(_breakable(title)) for title in titles)
    body = joined(row(cells, ours=best) for cells, best in rows)
    return Html(
        '<div class="wide{}"><table class="sortable">\n<thead><tr>{}</tr></thead>\n'
        "<tbody>\n{}</tbody></table></div>\n"
    ).format(" tall" if len(rows) > TALL else "", head, body)


def _breakable(title: str) -> Html:
    """A title that may be broken into lines where words of a name meet."""
    return Html("<wbr>").join(re.split(r"(?<=[./_])", title))


def _cell(value: object, text: object = None) -> Html:
    """A cell that sorts by its value; None is nothing and sorts last."""
    if value is None:
        return CELL.format(NOTHING)
    return Html('<td data-v="{}">{}</td>').format(value, value if text is None else text)


def _time(seconds: float | None) -> Html:
    return _cell(seconds, None if seconds is None else duration(seconds))


def _number(value: float | None) -> Html:
    return _cell(value, None if value is None else f"{value:.5g}")


def _swept(values: Mapping[str, Any], key: str) -> Html:
    return _cell(spelled(values[key])) if key in values else _cell(None)

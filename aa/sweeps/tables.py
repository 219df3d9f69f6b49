"""The tables of a sweep's page: jobs, means over seeds, failures."""

import html
import re

from aa.sweeps.jobs import spelled
from aa.sweeps.results import SEED

NOTHING = "&ndash;"
TALL = 30  # rows from which a table scrolls inside the page


def jobs_table(sweep):
    """All jobs, best first, in columns that can be sorted; the best finished one stands out."""
    titles = ["job", "state", *sweep.keys, *sweep.metrics, "step", "time", "to do it again"]
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
        time = None if job.seconds is None else duration(job.seconds)
        cells += [_cell(job.step), _cell(job.seconds, time)]
        cells.append(f"<td><code>{html.escape(job.command)}</code></td>")
        rows.append((cells, job.number == best))
    return _sortable(titles, rows)


def groups_table(sweep, groups):
    """Mean and interval over seeds."""
    keys = [key for key in sweep.keys if key != SEED]
    rows = []
    for place, group in enumerate(groups):
        half = "" if group.half is None else f" &plusmn; {group.half:.2g}"
        cells = [_swept(group.swept, key) for key in keys]
        mean = f'<td data-v="{group.mean!r}">{group.mean:.5g}{half}</td>'
        rows.append(([*cells, mean, _cell(group.count)], place == 0))
    return _sortable([*keys, f"mean {sweep.metric}", "seeds"], rows)


def failures(sweep):
    """What the jobs that failed said."""
    parts = []
    for job in sweep.jobs:
        if job.state not in ("failed", "interrupted"):
            continue
        error = html.escape(job.error or "It stopped before its end and left no error behind.")
        lines = html.escape("\n".join(job.last_lines))
        printed = f"<pre>{lines}</pre>" if lines else ""
        again = f"<pre>{html.escape(job.command)}</pre>"
        parts.append(f"<h3>Job {job.number} {job.state}</h3>\n<p>{error}</p>\n{printed}{again}")
    return "\n".join(parts)


def duration(seconds):
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _sortable(titles, rows):
    """Rows of (cells with their tags, whether it is the best)."""
    head = "".join(f'<th scope="col">{_breakable(title)}</th>' for title in titles)
    body = "".join(
        f"<tr{' class=ours' if best else ''}>{''.join(cells)}</tr>\n" for cells, best in rows
    )
    tall = " tall" if len(rows) > TALL else ""
    return (
        f'<div class="wide{tall}"><table class="sortable">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _breakable(title):
    """A title that may be broken into lines where words of a name meet."""
    return re.sub(r"([./_])", r"\1<wbr>", html.escape(title))


def _cell(value, text=None):
    """A cell that sorts by its value; None is nothing and sorts last."""
    if value is None:
        return f"<td>{NOTHING}</td>"
    shown = html.escape(str(value) if text is None else text)
    return f'<td data-v="{html.escape(str(value))}">{shown}</td>'


def _number(value):
    return _cell(value, None if value is None else f"{value:.5g}")


def _swept(values, key):
    return _cell(spelled(values[key])) if key in values else _cell(None)

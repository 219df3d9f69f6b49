"""`report.html` of a sweep or of several runs: one file that needs no other."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from aa.errors import UserError
from aa.files import write_json, write_text
from aa.reports import figures, tables
from aa.reports.pages import Html, lines, note, page
from aa.reports.records import as_csv, as_json
from aa.reports.results import Group, Sweep, collect, over_seeds
from aa.reports.samples import gallery
from aa.runs.jobs import spelled

MOST_DAMAGED = 50  # files that are named
MOST_KEYS = 8  # that are told in words
STYLE = Html("""
body { max-width: 84rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 0; }
td:first-child, th:first-child { min-width: 0; }
.tall { max-height: 40rem; overflow-y: auto; }
.tall th { position: sticky; top: 0; background: Canvas; }
.sortable th { cursor: pointer; vertical-align: bottom; }
.plots, .samples { display: grid; gap: 1rem 1.5rem;
                   grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
.plot { width: 100%; height: auto; }
.plot text { font-family: system-ui, sans-serif !important; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem 1rem; font-size: .85rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 50%;
            margin-right: .35rem; }
.legend .ramp { width: 8rem; border-radius: .2rem; margin: 0; }
.samples figure { margin: 0; font-size: .85rem; overflow-wrap: anywhere; }
.samples img, .samples video { display: block; width: 100%; }
code { font-size: .85em; user-select: all; }
pre { font-size: .85rem; }
""")
SCRIPT = Html("""<script>
for (const head of document.querySelectorAll(".sortable th")) head.onclick = () => {
  const body = head.closest("table").tBodies[0], up = head.ariaSort !== "ascending";
  const value = row => row.cells[head.cellIndex].dataset.v;
  const compare = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
    return (up ? 1 : -1) * compare(x, y);
  });
  for (const other of head.parentNode.cells) other.ariaSort = null;
  head.ariaSort = up ? "ascending" : "descending";
  body.append(...rows);
};
for (const video of document.querySelectorAll("video")) video.onloadedmetadata = () => {
  if (video.videoWidth < video.clientWidth) video.style.imageRendering = "pixelated";
};
</script>""")
H2 = Html("<h2>{}</h2>")


def write_report(
    folders: Sequence[str | Path], *, metric: str | None = None, output: str | Path | None = None
) -> Path:
    """Write `report.html`, `report.csv` and `report.json` of a sweep or of several runs.

    Args:
        folders: a sweep's folder, or those of several runs, or one that holds these.
        metric: to compare by, see `results.collect`.
        output: folder to write into; None for the sweep's own, for others a new one in `outputs/`.

    Returns:
        the page's path.

    Raises:
        UserError: no such folder, no runs in it, or no such metric.
    """
    sweep = collect(folders, metric=metric)
    output = Path(output or _home(sweep))
    if (output / "snapshot.json").exists():
        raise UserError(f"{output}: is a run's folder, with its own report; choose another one.")
    output.mkdir(parents=True, exist_ok=True)
    groups = over_seeds(sweep)
    write_json(output / "report.json", as_json(sweep, groups))
    write_text(output / "report.csv", as_csv(sweep))
    write_text(output / "report.html", page(_title(sweep), _parts(sweep, groups), style=STYLE))
    return output / "report.html"


def _home(sweep: Sweep) -> str | Path:
    """A sweep's own folder; of other runs a new one, for they may have separate reports."""
    if sweep.about:
        return sweep.folders[0]
    return f"outputs/{datetime.now():%Y-%m-%d/%H-%M-%S}_report"


def _title(sweep: Sweep) -> str:
    if sweep.about:
        return f"Sweep {sweep.folders[0].resolve().name}"
    return f"{len(sweep.jobs)} run{'s' * (len(sweep.jobs) > 1)} compared"


def _parts(sweep: Sweep, groups: Sequence[Group]) -> list[str]:
    colour, failed = figures.colours(sweep), tables.failures(sweep)
    parts, matters = _about(sweep), tables.importance_table(sweep)
    if groups:
        way = "less" if sweep.direction == "min" else "more"
        text = Html(
            "Finished jobs, {}: mean &plusmn; half the width of its 95% interval over seeds; {} is "
            "better. One seed has no interval."
        ).format(sweep.metric, way)
        parts += [H2.format("Over seeds"), tables.groups_table(sweep, groups), note(text)]
    parts += [H2.format("Jobs"), tables.jobs_table(sweep), note(_about_jobs(sweep))]
    parts += [H2.format("Time and work"), tables.totals_table(sweep)]
    parts += [H2.format("What matters"), matters] if matters else []
    parts += _plots(sweep, colour)
    shown = gallery(sweep)
    parts += [H2.format("Samples"), shown] if shown else []
    parts += [H2.format("Failures"), failed] if failed else []
    parts += _damaged(sweep)
    return [*parts, SCRIPT]


def _damaged(sweep: Sweep) -> list[str]:
    """Files of the runs that could not be read, by name."""
    if not sweep.troubles:
        return []
    items = lines(Html("<li>{}</li>").format(line) for line in sweep.troubles[:MOST_DAMAGED])
    rest = len(sweep.troubles) - MOST_DAMAGED
    more = [note(f"and {rest} more")] if rest > 0 else []
    return [H2.format("Damaged files"), Html("<ul>\n{}\n</ul>").format(items), *more]


def _about(sweep: Sweep) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in sweep.states.items())
    jobs = f"{len(sweep.jobs)} job{'s' * (len(sweep.jobs) > 1)}: {counts}."
    parts = [Html("<p>{} {}</p>").format(jobs, _swept(sweep))]
    going, waiting = (sweep.states.get(state) for state in ("running", "waiting"))
    if going or waiting:
        text = "Jobs are still running" if going else "Jobs are still to come"
        now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        line = Html("<p><strong>{}: this is how it stood at {}.</strong></p>")
        parts.append(line.format(text, now))
    if sweep.about.get("command"):
        parts.append(Html("<pre>{}</pre>").format(cast(dict[str, Any], sweep.about)["command"]))
    return cast(list[str], parts)


def _swept(sweep: Sweep) -> str:
    """Keys that set the jobs apart, in words."""
    found = [f"{key} is {_values(sweep, key)}" for key in sweep.keys[:MOST_KEYS]]
    if sweep.keys[MOST_KEYS:]:
        found.append(f"and {len(sweep.keys) - MOST_KEYS} more keys, see the table")
    return f"What sets them apart: {'; '.join(found)}." if found else ""


def _values(sweep: Sweep, key: str) -> str:
    """The values of a key in the order of jobs; of many numbers their range."""
    jobs = sorted(sweep.jobs, key=lambda job: job.number)
    values = [job.swept[key] for job in jobs if key in job.swept]
    words, most = list(dict.fromkeys(map(spelled, values))), figures.FEW
    if len(words) > most and all(isinstance(value, int | float) for value in values):
        return f"{spelled(min(values))} to {spelled(max(values))}"
    more = f", and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _about_jobs(sweep: Sweep) -> str:
    told = {
        "train/": "train/loss is the last recorded one",
        "val/": "val/... the best of the run, of its last stage with validation",
        "test/": "test/... the mean over held-out figures",
        "eval/": "eval/... the mean over clips",
    }
    there = [
        text for group, text in told.items() if any(n.startswith(group) for n in sweep.metrics)
    ]
    by = f"Sorted by {sweep.metric}, best first. " if sweep.metric else ""
    return by + "; ".join(there) + ("." if there else "")


def _plots(sweep: Sweep, colour: Mapping[int, str]) -> list[str]:
    parts, legend = [], figures.legend(sweep, colour)
    curves = figures.curve_plots(sweep, colour)
    if curves:
        about = note("A point of a long curve is the mean of neighbouring ones.")
        parts += [H2.format("Curves"), legend, _grid(curves), about]
    if sweep.about.get("sweeper") == "optuna" and sweep.ranked:
        text = note("Line: the best so far. Hollow: not finished.")
        parts += [H2.format("Trials"), _grid([figures.trial_plot(sweep, colour)]), text]
    effects, pairs = figures.effect_plots(sweep, colour), figures.pair_plots(sweep, colour)
    if effects or pairs:
        text = note(
            "Finished jobs; as long as there is none the others, hollow. Line and bars: mean over "
            "all other keys and its 95% interval, which may be longer than the plot is high. Of a "
            "pair of keys, the darker the better."
        )
        parts += [H2.format(f"{sweep.metric} by key"), _grid([*effects, *pairs]), text]
    return parts


def _grid(plots: Iterable[str]) -> Html:
    return Html('<div class="plots">\n{}\n</div>').format(lines(plots))

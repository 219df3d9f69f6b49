"""The plots of a sweep: which there are, and of what."""

from collections.abc import Mapping
from itertools import combinations
from typing import cast

from aa.evaluation.metrics import mean_and_interval
from aa.reports import plots
from aa.reports.jobs import Job
from aa.reports.pages import Html, joined
from aa.reports.results import SEED, Sweep, grouped
from aa.runs.jobs import spelled

FEW = 12  # jobs that have a separate colour each, and values of a key that have a mean
MOST_CURVES, MOST_KEYS, MOST_PAIRS = 8, 6, 4  # plots of each kind
MOST_POINTS = 6000  # of all curves of a plot
MOST_CATEGORIES = 20
LARGEST = 1e100  # of a number that has a place on an axis
MOST_NAMED = 5  # keys in a job's name
OWN = ("#1f77b4", "#d9701b", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
OWN += ("#e377c2", "#7f7f7f", "#a8a01c", "#17a3b8", "#5b6ee1", "#4d9078")
RANKS = ("#e4572e", "#3d7ec0", "#9aa0a8")  # best, middle, worst


def colours(sweep: Sweep) -> dict[int, str]:
    """{number of a job: its colour}: a separate one among few jobs, else by its rank."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    if len(sweep.jobs) <= FEW:
        return {job.number: OWN[place] for place, job in enumerate(sweep.jobs)}
    ramp, last = LinearSegmentedColormap.from_list("", RANKS), max(len(sweep.ranked) - 1, 1)
    found = {job.number: RANKS[-1] for job in sweep.jobs}
    return found | {job.number: to_hex(ramp(i / last)) for i, job in enumerate(sweep.ranked)}


def legend(sweep: Sweep, colour: Mapping[int, str]) -> Html:
    """Legend of the colours."""
    if len(sweep.jobs) > FEW:
        ramp = f"linear-gradient(to right, {', '.join(RANKS)})"
        by = f"by {sweep.metric}" if sweep.metric else ""
        return Html(
            '<p class="legend">best <i class="ramp" style="background:{}"></i> worst {}</p>'
        ).format(ramp, by)
    name = Html('<span><i style="background:{}"></i>{}</span>')
    names = joined(name.format(colour[job.number], name_of(job)) for job in sweep.jobs)
    return Html('<p class="legend">{}</p>').format(names)


def name_of(job: Job) -> str:
    """A job's number and what sets it apart, or its folder where that is too much or nothing."""
    swept = ", ".join(f"{key.split('.')[-1]}={spelled(v)}" for key, v in job.swept.items())
    named = 0 < len(job.swept) <= MOST_NAMED
    return f"{job.number}: {swept if named else job.folder.name}"


def curve_plots(sweep: Sweep, colour: Mapping[int, str]) -> list[Html]:
    """The losses of every stage, and what the last stage with validation measured, overlaid."""
    stages = list(dict.fromkeys(stage for job in sweep.jobs for stage in job.curves))
    names = {s: {n for job in sweep.jobs for n in job.curves.get(s, ())} for s in stages}
    shown = [(stage, "train/loss") for stage in stages if "train/loss" in names[stage]]
    for stage in reversed(stages):
        measured = sorted(n for n in names[stage] if n.startswith("val/"))
        if measured:
            shown += [(stage, n) for n in sorted(measured, key=lambda n: n != sweep.metric)]
            break
    return [_curves(sweep, colour, *which) for which in shown[:MOST_CURVES]]


def effect_plots(sweep: Sweep, colour: Mapping[int, str]) -> list[Html]:
    """The metric of finished jobs against each key, with means over all other keys."""
    found, jobs = [], _finished(sweep)
    for key in sweep.keys:
        points = [
            (_place(job.swept.get(key)), job.value(sweep.metric), colour[job.number], job.done)
            for job in reversed(jobs)
        ]
        values = {x for x, *_ in points}
        words = any(isinstance(x, str) for x in values)
        if len(values) < 2 or (words and len(values) > MOST_CATEGORIES):
            continue
        averaged = key != SEED and len(values) <= FEW
        means = [
            (_place(swept[key]), *mean_and_interval(all_values))
            for swept, all_values in (grouped(sweep, [key]) if averaged else ())
        ]
        means = sorted(means, key=lambda mean: (isinstance(mean[0], str), mean[0]))
        title = f"{sweep.metric} against {key}"
        found.append(_dots(points, means, title=title, x=key, y=sweep.metric))
    return found[:MOST_KEYS]


def pair_plots(sweep: Sweep, colour: Mapping[int, str]) -> list[Html]:
    """Means of the metric for every pair of keys; of keys of many values, the jobs themselves."""
    found = []
    for down, across in combinations([key for key in sweep.keys if key != SEED], 2):
        cells = {
            (_place(swept[down]), _place(swept[across])): sum(values) / len(values)
            for swept, values in grouped(sweep, [down, across])
        }
        rows, columns = (plots.in_order(pair[i] for pair in cells) for i in (0, 1))
        if min(len(rows), len(columns)) < 2:
            continue
        if max(len(rows), len(columns)) <= FEW:
            found.append(_heat(cells, rows, columns, sweep, down, across))
        elif not any(isinstance(value, str) for value in (*rows, *columns)):
            points = [
                (job.swept[across], job.swept[down], colour[job.number], job.done)
                for job in reversed(_finished(sweep))
                if across in job.swept and down in job.swept
            ]
            title = f"jobs, coloured by {sweep.metric}"
            found.append(_dots(points, (), title=title, x=across, y=down))
    return found[:MOST_PAIRS]


def trial_plot(sweep: Sweep, colour: Mapping[int, str]) -> Html:
    """The metric by trial, and the best so far."""
    jobs = sorted(sweep.ranked, key=lambda job: job.number)
    points = [
        (j.number, cast(float, j.value(sweep.metric)), colour[j.number], j.done) for j in jobs
    ]

    def draw(axes):
        plots.dots(axes, points)
        plots.best_so_far(axes, points, way=sweep.direction)

    return plots.svg(draw, title=f"{sweep.metric} by trial", x="trial", y=cast(str, sweep.metric))


def _finished(sweep: Sweep) -> list[Job]:
    """The finished jobs that have a value; all that have one as long as none has finished."""
    return [job for job in sweep.ranked if job.done] or sweep.ranked


def _curves(sweep: Sweep, colour: Mapping[int, str], stage: str, name: str) -> Html:
    curves = []
    drawn = [job for job in reversed(sweep.jobs) if job.curves.get(stage, {}).get(name)]
    most = max(20, MOST_POINTS // len(drawn))
    for job in drawn:
        curves.append((plots.thinned(job.curves[stage][name], most), colour[job.number]))
    title = f"{name}, {stage.replace('stage', 'stage ')}" if stage else name
    return plots.svg(lambda axes: plots.lines(axes, curves), title=title, x="step", y=name)


def _dots(points, means, **texts):
    def draw(axes):
        plots.dots(axes, points, means)

    return plots.svg(draw, **texts)


def _heat(cells, rows, columns, sweep, down, across):
    def draw(axes):
        plots.heat(axes, cells, rows, columns, way=sweep.direction)

    return plots.svg(draw, title=f"mean {sweep.metric}", x=across, y=down)


def _place(value):
    """A swept value as a plot takes it: a number or a text."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value if plain and abs(value) < LARGEST else spelled(value)

"""Plots as SVG inside a page: they take its ink, so that they suit light and dark.

Points are (x, y, colour, whether it is of a finished job); those of unfinished ones are hollow.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from aa.errors import one_line
from aa.reports.pages import Html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#010203"  # nothing else has this colour: in the page it becomes the text's
SIZE = (4.6, 2.9)  # inches, of 72 points
FEW = 12  # curves, and points of a curve, that are marked
MOST_TICKS = 8  # values of an axis that are all written
LEAST_GAP = 0.08  # between two ticks, of the axis
LONGEST_LABEL = 16  # characters of a category
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "aa",  # the same results make the same page
    "text.parse_math": False,  # names may hold dollars
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    **{
        key: INK
        for key in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    },
}


def svg(draw: Callable[["Axes"], object], *, title: str, x: str, y: str) -> Html:
    """A plot as `<svg>`, whose texts matplotlib escapes.

    Args:
        draw: draws into the axes.
        title, x, y: texts of the plot and its axes.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.set(title=one_line(title), xlabel=one_line(x), ylabel=one_line(y))
        draw(axes)
        file = io.StringIO()
        about = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=about)
    text = file.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    _, _, rest = text.partition("viewBox=")  # without width and height it fits its place
    return Html('<svg class="plot" role="img" viewBox={}').format(Html(rest))


def lines(axes: "Axes", curves: Sequence[tuple[Sequence[tuple[float, float]], str]]) -> None:
    """Curves: list of (points (x, y), colour), the last on top; points are marked if few."""
    from matplotlib.collections import LineCollection

    drawn, colours = zip(*curves, strict=True)
    axes.add_collection(LineCollection(drawn, colors=colours, linewidths=1.2))
    few = FEW if len(curves) <= FEW else 1
    marked = [(*point, c) for points, c in curves if len(points) <= few for point in points]
    if marked:
        x, y, edges = zip(*marked, strict=True)
        axes.scatter(x, y, s=6, c=edges, zorder=2)
    axes.autoscale_view()
    axes.grid(alpha=0.15, color=INK)
    _scale(axes, "y", [y for points in drawn for _, y in points])


def dots(
    axes: "Axes",
    points: Sequence[tuple[Any, float, str, bool]],
    means: Sequence[tuple[Any, float, float | None]] = (),
) -> None:
    """Points, and above them the means as a line: list of (x, mean, half an interval or None).

    An x is a number or a text; if one is a text, each value has its place, in order.
    """
    values = in_order(x for x, *_ in points)
    numeric = not any(isinstance(x, str) for x in values)
    place = {x: x if numeric else index for index, x in enumerate(values)}
    for finished in (False, True):
        chosen = [(place[x], y, colour) for x, y, colour, done in points if done == finished]
        if chosen:
            x, y, edges = zip(*chosen, strict=True)
            faces = edges if finished else "none"
            axes.scatter(x, y, s=20, facecolors=faces, edgecolors=edges, lw=1, zorder=2)
    heights = [y for _, y, *_ in points]
    low, high = min(heights), max(heights)
    _scale(axes, "y", heights)
    if len(points) > 1 and low < high and axes.get_yscale() == "linear":
        axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    limits = axes.get_ylim()
    if means:
        middles, halves = [mean for _, mean, _ in means], [half or 0 for *_, half in means]
        across = [place[x] for x, *_ in means]
        axes.errorbar(across, middles, halves, color=INK, lw=1, capsize=3, alpha=0.8, zorder=3)
    axes.margins(x=0.1)
    axes.set_ylim(limits)  # intervals of two values may be far larger than the plot
    axes.grid(alpha=0.15, color=INK)
    if numeric:
        _scale(axes, "x", values, ticks=values)
    else:
        _categories(axes.xaxis, values)


def heat(
    axes: "Axes",
    cells: Mapping[tuple[Any, Any], float],
    rows: Sequence[Any],
    columns: Sequence[Any],
    *,
    way: str | None,
) -> None:
    """A mean for every pair of values, the better the darker.

    Args:
        cells: {(row, column): mean}; not all need be there.
        rows, columns: the values, in order.
        way: "min" or "max": which is better.
    """
    from matplotlib.colors import LinearSegmentedColormap

    grid = np.full((len(rows), len(columns)), np.nan)
    for (row, column), mean in cells.items():
        grid[rows.index(row), columns.index(column)] = mean
    ramp = ["#e6ebf1", "#1f5f9e"] if way == "max" else ["#1f5f9e", "#e6ebf1"]
    colours = LinearSegmentedColormap.from_list("", ramp)
    drawn = axes.pcolormesh(np.ma.masked_invalid(grid), cmap=colours, edgecolors="none")
    for (row, column), mean in np.ndenumerate(grid):
        if np.isfinite(mean) and len(columns) <= MOST_TICKS:
            red, green, blue, _ = drawn.cmap(drawn.norm(mean))
            ink = "#111111" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.5 else "#f4f4f4"
            axes.text(column + 0.5, row + 0.5, f"{mean:.4g}", color=ink, ha="center", va="center")
    _categories(axes.xaxis, columns, shift=0.5)
    _categories(axes.yaxis, rows, shift=0.5)


def best_so_far(
    axes: "Axes", points: Sequence[tuple[Any, float, str, bool]], *, way: str | None
) -> None:
    """The best of the finished points up to each x, as steps."""
    best = min if way == "min" else max
    reached = []
    for x, y, _, done in points:
        if done:
            reached.append((x, best([y, *(y for _, y in reached[-1:])])))
    if reached:
        axes.step(*zip(*reached, strict=True), where="post", color=INK, lw=1.2)


def thinned(points: Sequence[tuple[float, float]], most: int) -> Sequence[tuple[float, float]]:
    """At most so many points: each the mean of neighbours, at their last x."""
    if len(points) <= most:
        return points
    bounds = np.linspace(0, len(points), most + 1).astype(int)
    parts = [points[start:end] for start, end in pairwise(bounds)]
    return [(part[-1][0], sum(y for _, y in part) / len(part)) for part in parts]


def spans_decades(values: Sequence[float]) -> bool:
    """Return whether all are above zero and the largest is ten times the smallest or more."""
    return min(values) > 0 and max(values) >= 10 * min(values)


def _scale(axes, name, values, ticks=()):
    """A log axis, "x" or "y", where values span 10 times or more; shows few given ticks, sorted."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    axis, plain = getattr(axes, f"{name}axis"), FuncFormatter(lambda value, _: f"{value:g}")
    if spans_decades(values):
        axes.set(**{f"{name}scale": "log"})
        wide = max(values) > 100 * min(values)
        axis.set(major_locator=LogLocator(subs=(1,) if wide else (1, 2, 5)))
        axis.set(major_formatter=plain, minor_formatter=NullFormatter())
    if 0 < len(ticks) <= MOST_TICKS and _apart(ticks, log=axis.get_scale() == "log"):
        axis.set(major_locator=FixedLocator(ticks), major_formatter=plain)


def _apart(ticks, *, log):
    """Return whether no two of sorted ticks are so near that their labels would meet."""
    places = np.log(ticks) if log else np.asarray(ticks, float)
    return len(ticks) == 1 or np.diff(places).min() >= LEAST_GAP * (places[-1] - places[0])


def _categories(axis, values, shift=0.0):
    labels = [_label(value) for value in values]
    places = [index + shift for index in range(len(values))]
    long = sum(map(len, labels)) > 60
    turned = {"rotation": 30, "ha": "right"} if long and axis.axis_name == "x" else {}
    axis.set_ticks(places, labels, **turned)


def in_order(values: Iterable[Any]) -> list[Any]:
    """The different ones of numbers and texts, sorted, numbers first."""
    return sorted(set(values), key=lambda value: (isinstance(value, str), value))


def _label(value: float | str) -> str:
    text = one_line(value) if isinstance(value, str) else f"{value:g}"
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"

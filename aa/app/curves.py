"""Curves as numbers for an SVG: thinned, in a box, with round ticks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 200  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 58, 8, 10, 24  # margins for ticks
MOST_POINTS = 400  # of a curve; a point of a longer one is the mean of neighbours
COLOURS = ("#2563a8", "#c2571a", "#2e7d4f", "#8a3f93", "#9a7b16", "#4a5568")
Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Curve:
    """One line of a plot: its name, its colour, the points of an SVG polyline."""

    name: str
    colour: str
    points: str
    last: tuple[int, float]


@dataclass(frozen=True)
class Plot:
    """Curves over steps in one box.

    Attributes:
        title: the metric.
        curves: at least one.
        rows: (y of the drawing, text) of ticks; columns: (x, text).
    """

    title: str
    curves: list[Curve]
    rows: list[tuple[float, str]]
    columns: list[tuple[float, str]]


def plots(curves: Mapping[str, Mapping[str, Points]]) -> list[Plot]:
    """A plot for each metric.

    Args:
        curves: {metric: {name of a run or stage: (step, value)s}}; those without a point are left
            out.
    """
    found = {metric: {n: p for n, p in of.items() if p} for metric, of in curves.items()}
    return [_plot(metric, of) for metric, of in found.items() if of]


def _plot(metric: str, curves: Mapping[str, Points]) -> Plot:
    thin = {name: _thinned(points) for name, points in curves.items()}
    steps = [step for points in thin.values() for step, _ in points]
    values = [value for points in thin.values() for _, value in points]
    xs, ys = _Scale(0, max(steps), LEFT, WIDTH - RIGHT), _scale_of(values)
    lines = [
        Curve(
            name,
            COLOURS[number % len(COLOURS)],
            " ".join(f"{xs.at(step):.1f},{ys.at(value):.1f}" for step, value in points),
            curves[name][-1],
        )
        for number, (name, points) in enumerate(thin.items())
    ]
    rows = [(ys.at(value), f"{value:.4g}") for value in ys.ticks(5)]
    return Plot(metric, lines, rows, [(xs.at(step), f"{step:g}") for step in xs.ticks(4)])


def _scale_of(values: Sequence[float]) -> "_Scale":
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return _Scale(low - room, high + room, HEIGHT - BOTTOM, TOP)


@dataclass(frozen=True)
class _Scale:
    """A map from values to places in the drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Round values within, at most `most` + 1."""
        width = (self.high - self.low) or 1
        power = 10 ** math.floor(math.log10(width / most))
        step = next(s * power for s in (1, 2, 5, 10, 20) if width / (s * power) <= most)
        first = math.ceil(self.low / step)
        count = math.floor(self.high / step) - first + 1
        return [(first + number) * step for number in range(count)]


def _thinned(points: Points) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / MOST_POINTS)
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [
        (sum(step for step, _ in part) / len(part), sum(value for _, value in part) / len(part))
        for part in parts
    ]

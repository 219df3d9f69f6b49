"""From measured ratios to those that are used: what is not seen, or not believed, is replaced."""

from dataclasses import dataclass
from math import exp, log

import numpy as np

from aa.poses.alignment.bones import BONES
from aa.poses.alignment.ratios import BUILD, Measured

SHORT = log(0.75)  # a bone so much shorter than the whole and another is foreshortened
LONG = log(1.33)
APART = log(1.4)  # two bones of one limb, or twins, that differ by more: one is foreshortened
AGREE = 0.2  # of the median: votes on the scale of the whole that are averaged
LIMITS = (log(0.5), log(2.0))  # of a ratio over that of the whole


@dataclass(frozen=True)
class Ratio:
    """The ratio that a bone is scaled by.

    Attributes:
        value: pixels of the aligned bone per pixel of the driver's.
        frames: of how many driving frames it is the median; 0 if of none.
        how: "measured" (with its twin, if that is trusted too), "twin", "any view" (measured in
            frames of other directions), "neighbour" (the limb's other bone's) or "whole".
        doubt: why its own measurement is not used: "", "hidden", "view" (no frame of its
            direction), "short" or "long" (foreshortened in the picture, or in the video).
    """

    value: float
    frames: int
    how: str
    doubt: str = ""


def whole_scale(measured: dict[str, Measured | None]) -> float | None:
    """Logarithm of the scale of the whole: the median over bones, twins once; None without any.

    A bone votes by its weight. Bones in equal views vote if there are any.
    """
    votes: dict[str, list[tuple[float, float]]] = {}
    found = [(name, m) for name, m in measured.items() if m]
    near = [(name, m) for name, m in found if not m.any_view]
    for name, m in near or found:
        weight = BONES[name].weight if name in BONES else 1.0
        votes.setdefault(name.removeprefix("right ").removeprefix("left "), []).append(
            (m.value, weight)
        )
    if not votes:
        return None
    values, weights = np.array([np.mean(v, axis=0) for v in votes.values()]).T
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    middle = float(np.interp(0.5, reached - weights[order] / weights.sum() / 2, values[order]))
    weights = weights * (np.abs(values - middle) <= AGREE)
    return float(weights @ values / weights.sum()) if weights.any() else middle


def believe(
    measured: dict[str, Measured | None], whole: float, proven: dict[str, bool]
) -> dict[str, Ratio]:
    """The ratios of all bones and the head.

    Args:
        measured: logarithms by name.
        whole: logarithm of the scale of the whole.
        proven: whether the driver shows a bone in so many directions that it is known how long
            it is.
    """
    doubts = {name: _doubt(name, measured, whole, proven) for name in measured}
    trusted = {name: m for name, m in measured.items() if m and not doubts[name]}
    any_view = {name: m for name, m in measured.items() if m and doubts[name] == "view"}
    return {name: _choose(name, trusted, any_view, doubts[name], whole) for name in measured}


def _doubt(
    name: str, measured: dict[str, Measured | None], whole: float, proven: dict[str, bool]
) -> str:
    """Why a measurement is not used, or "". Foreshortening makes shorter, and never longer."""
    own = measured[name]
    if own is None:
        return "hidden"
    bone = BONES.get(name)
    twin = measured.get(bone.twin) if bone and bone.twin else None
    neighbour = measured.get(bone.neighbour) if bone and bone.neighbour else None
    others = [other.value for other in (twin, neighbour) if other]
    if own.value < whole + SHORT and any(own.value < other - APART for other in others):
        return "short"
    known = proven.get(name, True)
    longer = [twin.value] if twin else []
    longer += [neighbour.value] if neighbour and not known else []
    if own.value > whole + LONG and any(own.value > other + APART for other in longer):
        return "long"
    return "view" if own.any_view else ""


def _choose(
    name: str,
    trusted: dict[str, Measured],
    any_view: dict[str, Measured],
    doubt: str,
    whole: float,
) -> Ratio:
    """Its own and its twin's, else any view's, else the limb's other bone's, else the whole's."""
    bone = BONES.get(name)
    twin, neighbour = (bone.twin, bone.neighbour) if bone else (None, None)
    for names, found, how in (
        ((name, twin), trusted, "measured" if name in trusted else "twin"),
        ((name, twin), any_view, "any view"),
        ((neighbour,), trusted | any_view, "neighbour"),
    ):
        used = [found[other] for other in names if other in found]
        if used:
            return _shrunk(used, whole, how, doubt)
    return Ratio(exp(whole), 0, "whole", doubt)


def _shrunk(measured: list[Measured], whole: float, how: str, doubt: str) -> Ratio:
    """The mean weighed by certainty, drawn to the whole's the more uncertain it is."""
    weights = np.array([1 / max(m.variance, 1e-9) for m in measured])
    value = float(weights @ [m.value for m in measured] / weights.sum())
    share = BUILD**2 / (BUILD**2 + 1 / weights.sum())
    aside = float(np.clip(share * (value - whole), *LIMITS))
    return Ratio(exp(whole + aside), sum(m.frames for m in measured), how, doubt)

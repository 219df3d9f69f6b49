"""Choice of runs: filters like `state=failed`, `age>7d`."""

import re
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from aa.config.keys import no_such_key
from aa.config.sweep import GROUPS
from aa.config.texts import KEYS
from aa.errors import UserError
from aa.runs.differences import ABSENT
from aa.runs.jobs import spelled
from aa.runs.metrics import is_metric
from aa.runs.outcomes import DONE, FAILED, INTERRUPTED, RUNNING, WAITING
from aa.runs.summary import Run

TRUTHS = ("true", "false")
STATES = (RUNNING, DONE, FAILED, INTERRUPTED, WAITING)
KINDS = ("train", "infer", "evaluate", "export", "prepare")
CHOICES = {"state": STATES, "kind": KINDS, "star": TRUTHS}
OF_RUNS = ("tag", "step")  # keys of no config
UNITS = {
    "age": {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400},
    "size": {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12},
}
FORM = "a filter is key=value, key>value or key<value (in quotes, for the shell), as state=failed"


@dataclass(frozen=True)
class Filter:
    """One condition: a key, one of `=`, `>`, `<`, and a number or a text."""

    key: str
    sign: str
    value: float | str

    def holds(self, run: Run, now: float) -> bool:
        """Return whether a `Run` is meant, `now` in seconds since 1970."""
        if self.key == "tag":
            return self.value in run.notes.get("tags", [])
        found = value_of(run, self.key, now)
        return found is not ABSENT and compare(found, self.sign, self.value)


@dataclass(frozen=True)
class Known:
    """The keys that runs can be chosen and ordered by."""

    keys: Collection[str]

    def check(self, key: str) -> None:
        """Refuse a key that is none.

        Raises:
            UserError: names similar ones.
        """
        if key not in self.keys and not is_metric_key(key):
            raise UserError(no_such_key(key, self.keys))


def known_of(runs: Iterable[Run]) -> Known:
    """The keys of our schemas and of the runs there are, those of older versions among them."""
    keys = {key for run in runs for key in run.config}
    return Known(keys | KEYS | {*CHOICES, *UNITS, *OF_RUNS})


def is_metric_key(key: str) -> bool:
    """Return whether a key is a metric's, as val/loss."""
    group, slash, _ = key.partition("/")
    return bool(slash) and group in GROUPS and is_metric(key)


def value_of(run: Run, key: str, now: float) -> Any:
    """The value of a key of a run; `ABSENT` where it has none. Of a metric its number.

    Args:
        now: in seconds since 1970.
    """
    if key == "age":
        return now - run.changed
    if key == "star":
        return run.notes.get("star", False)
    if key in ("size", "state", "kind"):
        return getattr(run, key)
    if key == "step":
        return ABSENT if run.step is None else run.step
    if key in run.metrics:
        return run.metrics[key].value
    return run.config.get(key, ABSENT)


def compare(found: Any, sign: str, wanted: float | str) -> bool:
    """Compare numbers as numbers, all else as an override spells it, which is equal or not."""
    left, right = number(found), number(wanted)
    if left is None or right is None:
        return sign == "=" and spelled(found) == wanted
    return {"=": left == right, ">": left > right, "<": left < right}[sign]


def parse(texts: Iterable[str], runs: Iterable[Run]) -> list[Filter]:
    """The `Filter`s that texts like `state=failed` stand for.

    Args:
        texts: as given on the command line.
        runs: the `Run`s there are; the keys of their configs are known, also of older versions.

    Raises:
        UserError: no filter, no such key, or no such value of it.
    """
    known = known_of(runs)
    return [_parse(text, known) for text in texts]


def select(runs: Iterable[Run], filters: Collection[Filter]) -> list[Run]:
    """The runs that all filters hold for."""
    now = time.time()
    return [run for run in runs if all(f.holds(run, now) for f in filters)]


def _parse(text: str, known: Known) -> Filter:
    match = re.fullmatch(r"([\w./]+)([=<>])(.*)", text)
    if not match:
        raise UserError(f"{text}: {FORM}.")
    key, sign, value = match.groups()
    known.check(key)
    if key in CHOICES and (value not in CHOICES[key] or sign != "="):
        raise UserError(
            f"{text}: {key} is one of {', '.join(CHOICES[key])}, as {key}=<one of them>."
        )
    if key == "tag" and sign != "=":
        raise UserError(f"{text}: a run has a tag or has not, as tag={value or '<word>'}.")
    if is_metric_key(key) and number(value) is None:
        raise UserError(f"{text}: {key} wants a number, as '{key}<0.1'.")
    return Filter(key, sign, _quantity(text, key, value) if key in UNITS else value)


def _quantity(text: str, key: str, value: str) -> float:
    """Seconds of "7d", bytes of "1GB"."""
    units, match = UNITS[key], re.fullmatch(r"([\d.]+)\s*([a-zA-Z]+)", value)
    count, unit = (number(match[1]), match[2]) if match else (None, None)
    if count is None or unit not in units:
        example = f"{key}>7{[*units][3]}"
        raise UserError(
            f"{text}: {key} wants a number and one of {', '.join(units)}, as '{example}'."
        )
    return count * units[unit]


def number(value: Any) -> float | None:
    """A value as a number, None where it is none."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

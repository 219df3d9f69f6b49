"""Choice of runs: filters like `state=failed`, `age>7d`."""

import re
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from aa.config.keys import no_such_key
from aa.errors import UserError
from aa.runs.jobs import spelled
from aa.runs.listing import Run
from aa.runs.outcomes import DONE, FAILED, INTERRUPTED, RUNNING, WAITING

STATES = (RUNNING, DONE, FAILED, INTERRUPTED, WAITING)
KINDS = ("train", "infer", "evaluate")
CHOICES = {"state": STATES, "kind": KINDS}
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
        if self.key == "age":
            found = now - run.changed
        elif self.key in ("size", "state", "kind"):
            found = getattr(run, self.key)
        elif self.key in run.config:
            found = run.config[self.key]
        else:
            return False
        return compare(found, self.sign, self.value)


def compare(found: Any, sign: str, wanted: float | str) -> bool:
    """Compare numbers as numbers, all else as an override spells it, which is equal or not."""
    left, right = _number(found), _number(wanted)
    if left is None or right is None:
        return sign == "=" and spelled(found) == wanted
    return {"=": left == right, ">": left > right, "<": left < right}[sign]


def parse(texts: Iterable[str], runs: Iterable[Run], keys: Iterable[str]) -> list[Filter]:
    """The `Filter`s that texts like `state=failed` stand for.

    Args:
        texts: as given on the command line.
        runs: the `Run`s there are; the keys of their configs are known, also of older versions.
        keys: of today's configs.

    Raises:
        UserError: no filter, no such key, or no such value of it.
    """
    known = {*keys, *(key for run in runs for key in run.config), *CHOICES, *UNITS}
    return [_parse(text, known) for text in texts]


def select(runs: Iterable[Run], filters: Collection[Filter]) -> list[Run]:
    """The runs that all filters hold for."""
    now = time.time()
    return [run for run in runs if all(f.holds(run, now) for f in filters)]


def _parse(text: str, known: Collection[str]) -> Filter:
    match = re.fullmatch(r"([\w./]+)([=<>])(.*)", text)
    if not match:
        raise UserError(f"{text}: {FORM}.")
    key, sign, value = match.groups()
    if key not in known:
        raise UserError(no_such_key(key, known))
    if key in CHOICES and (value not in CHOICES[key] or sign != "="):
        raise UserError(
            f"{text}: {key} is one of {', '.join(CHOICES[key])}, as {key}=<one of them>."
        )
    return Filter(key, sign, _quantity(text, key, value) if key in UNITS else value)


def _quantity(text: str, key: str, value: str) -> float:
    """Seconds of "7d", bytes of "1GB"."""
    units, match = UNITS[key], re.fullmatch(r"([\d.]+)\s*([a-zA-Z]+)", value)
    number, unit = (_number(match[1]), match[2]) if match else (None, None)
    if number is None or unit not in units:
        example = f"{key}>7{[*units][3]}"
        raise UserError(
            f"{text}: {key} wants a number and one of {', '.join(units)}, as '{example}'."
        )
    return number * units[unit]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

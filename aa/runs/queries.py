"""Runs in an order: filters, `sort=val/loss`, `limit=10`."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aa.errors import UserError
from aa.runs.differences import ABSENT
from aa.runs.filters import Filter, is_metric_key, known_of, number, parse, select, value_of
from aa.runs.metrics import direction
from aa.runs.summary import Run

SORTED, LIMIT = "sort=", "limit="


@dataclass(frozen=True)
class Query:
    """Filters, and the order of the runs that they hold for.

    Attributes:
        filters: that must all hold.
        sort: the key that runs are ordered by, or None: the one that was last written first.
        backwards: the other way round.
        limit: at most so many runs, or None.
    """

    filters: list[Filter]
    sort: str | None = None
    backwards: bool = False
    limit: int | None = None

    @property
    def metrics(self) -> list[str]:
        """The metrics that are named, in order."""
        named = [self.sort or "", *(f.key for f in self.filters)]
        return [key for key in dict.fromkeys(named) if is_metric_key(key)]

    def runs(self, runs: Iterable[Run]) -> list[Run]:
        """The runs that it holds for: the best first by a metric, the least by any other key.

        Those without a value come last.
        """
        found, now = select(runs, self.filters), time.time()
        if self.sort:
            key = self.sort
            best_is_most = is_metric_key(key) and direction(key) == "max"
            values = {run.folder: value_of(run, key, now) for run in found}
            valued = [run for run in found if values[run.folder] not in (ABSENT, None)]
            rest = [run for run in found if values[run.folder] in (ABSENT, None)]
            way = best_is_most != self.backwards
            found = sorted(valued, key=lambda run: _place(values[run.folder]), reverse=way) + rest
        return found[: self.limit]


def parse_query(words: Sequence[str], runs: Sequence[Run]) -> Query:
    """The `Query` that words of a command line stand for.

    Args:
        words: filters, `sort=<key>` or `sort=-<key>`, `limit=<number>`.
        runs: that there are.

    Raises:
        UserError: one of them cannot be understood.
    """
    sort = [word.removeprefix(SORTED) for word in words if word.startswith(SORTED)]
    limits = [word.removeprefix(LIMIT) for word in words if word.startswith(LIMIT)]
    filters = [word for word in words if not word.startswith((SORTED, LIMIT))]
    for name, given in ((SORTED, sort), (LIMIT, limits)):
        if len(given) > 1:
            raise UserError(f"{name}{given[1]}: give {name} once.")
    for text in limits:
        if not re.fullmatch(r"0*[1-9]\d{0,8}", text):
            raise UserError(f"limit={text}: must be a whole number from 1 on.")
    key = sort[0] if sort else None
    backwards = bool(key and key.startswith("-"))
    key = key and key.removeprefix("-")
    if key is not None:
        known_of(runs).check(key)
    limit = int(limits[0]) if limits else None
    return Query(parse(filters, runs), key, backwards, limit)


def _place(value: object) -> tuple[bool, float, str]:
    """Numbers before words."""
    found = number(value)
    return (found is None, found or 0.0, "" if found is not None else str(value))

"""The combinations of a sweep's values: all, but for keys that go in pairs and what is left out."""

import itertools
import re
from collections.abc import Mapping, Sequence

from aa.config.keys import no_such_key
from aa.config.texts import plain
from aa.errors import UserError
from aa.runs.filters import compare

CONDITION = re.compile(r"([\w./]+)([=<>])(.*)")


def combinations(
    values: Mapping[str, Sequence[str]], *, paired: Sequence[str], excluded: Sequence[str]
) -> list[list[str]]:
    """The overrides of each job, as Hydra's own sweeper orders them: the last key changes first.

    Args:
        values: {key: its values, as overrides write them}.
        paired: keys that change together: the first value of each, then the second, ...
        excluded: conditions with spaces between them, as "data.height>256 seed=2"; jobs that all of
            one hold for are left out.

    Raises:
        UserError: paired keys have no or not as many values, a condition cannot be understood, or
            no job is left.
    """
    _check_paired(values, paired)
    conditions = [_conditions(text, values) for text in excluded]
    groups: list[list[dict[str, str]]] = []
    for key, choices in values.items():
        if key not in paired:
            groups.append([{key: value} for value in choices])
        elif key == next(k for k in values if k in paired):
            together = (dict(zip(paired, row, strict=True)) for row in _rows(values, paired))
            groups.append(list(together))
    jobs = [_merged(parts) for parts in itertools.product(*groups)]
    kept = [job for job in jobs if not any(_holds(condition, job) for condition in conditions)]
    if not kept:
        raise UserError(f"sweep.exclude leaves none of {len(jobs)} jobs.")
    return [[f"{key}={job[key]}" for key in values] for job in kept]


def _check_paired(values: Mapping[str, Sequence[str]], paired: Sequence[str]) -> None:
    missing = [key for key in paired if len(values.get(key, ())) < 2]
    if missing:
        raise UserError(f"sweep.zip: {missing[0]} is not swept; give it several values.")
    counts = {key: len(values[key]) for key in paired}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{key} has {count}" for key, count in counts.items())
        raise UserError(f"sweep.zip: keys that go together want as many values each; {said}.")


def _rows(values: Mapping[str, Sequence[str]], paired: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(values[key] for key in paired), strict=True))


def _merged(parts: Sequence[dict[str, str]]) -> dict[str, str]:
    return {key: value for part in parts for key, value in part.items()}


def _conditions(text: str, values: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    found = []
    for word in text.split():
        match = CONDITION.fullmatch(word)
        if not match:
            raise UserError(
                f"sweep.exclude: {word}: a condition is key=value, key>value or key<value."
            )
        if match[1] not in values:
            raise UserError(f"sweep.exclude: {no_such_key(match[1], values)}")
        found.append((match[1], match[2], match[3]))
    if not found:
        raise UserError("sweep.exclude: an empty condition would leave every job out.")
    return found


def _holds(conditions: Sequence[tuple[str, str, str]], job: Mapping[str, str]) -> bool:
    return all(compare(plain(job[key]), sign, value) for key, sign, value in conditions)

"""Jobs with a bar: the rate, and the time that is left."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tqdm import tqdm

from aa.errors import StorageError
from aa.prepare.attempts import Engine, Outcome


def follow(
    engine: Engine,
    function: Callable[[Any], Any],
    jobs: Sequence[Any],
    sizes: Sequence[int],
    *,
    title: str,
    unit: str,
) -> Iterator[tuple[Any, Outcome]]:
    """Do jobs and yield each with what came of it, as they are done.

    Args:
        sizes: of the jobs, as parts of the bar.
        title: of the bar.
        unit: of the sizes; B for bytes.

    Raises:
        StorageError: nothing can be written any more.
    """
    if not jobs:
        return
    in_bytes = {"unit_scale": True, "unit_divisor": 1000} if unit == "B" else {}
    with tqdm(total=sum(sizes), desc=title, unit=unit, file=sys.stdout, **in_bytes) as bar:
        for number, outcome in engine(function, jobs):
            if outcome.ends:
                raise StorageError(outcome.ends)
            yield jobs[number], outcome
            bar.update(sizes[number])

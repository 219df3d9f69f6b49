"""One job, whatever comes of it: a result, a reason why there is none, or the end of the run."""

import errno
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aa.errors import StorageError, UserError, one_line

log = logging.getLogger(__name__)

# Errors of the system that are about the place that is written to.
STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)

# From a function and jobs to (number of a job, `Outcome`), in the order in which they are done.
Engine = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[tuple[int, "Outcome"]]]


@dataclass(frozen=True)
class Outcome:
    """What came of a job: a result, or `lost` says why there is none.

    Attributes:
        ends: what ends the whole run: nothing can be written any more.
    """

    result: Any = None
    lost: str | None = None
    ends: str | None = None


def attempt(function: Callable[[Any], Any], job: Any) -> Outcome:
    """Do a job. What one video can cause is its own fault; a full disk is everybody's."""
    try:
        return Outcome(function(job))
    except StorageError as error:
        return Outcome(ends=str(error))
    except UserError as error:
        return Outcome(lost=one_line(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in STORAGE:
            what = error.filename or "a result"
            return Outcome(ends=f"{what}: cannot be written ({error.strerror}).")
        log.exception("%s", job)
        return Outcome(lost=one_line(f"{type(error).__name__}: {error}"))


def here(function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[tuple[int, Outcome]]:
    """Do jobs one after the other in this process."""
    for number, job in enumerate(jobs):
        yield number, attempt(function, job)

"""Many cases, of which some cannot be made: the others go on."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from aa.errors import Interrupted, StorageError, UserError, interruption, one_line, reason, some
from aa.inference.cases import Case

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Attempts:
    """Does things with the cases of a list; `failed` says which could not be done, and why.

    Args:
        tolerant: go on after a case that fails; else its error is raised.
        signals: the list in which those that came are noted.
    """

    def __init__(self, *, tolerant: bool, signals: Sequence[int] = ()) -> None:
        self.tolerant, self.signals = tolerant, signals
        self.failed: list[dict[str, str]] = []

    def attempt(self, act: Callable[[Case], Result], case: Case) -> Result | None:
        """Return what `act` makes of a case; None where it cannot.

        Raises:
            StorageError: nothing can be written any more: no case can be made then.
            KeyboardInterrupt: a signal came; libraries make errors of their own of it.
        """
        try:
            return act(case)
        except StorageError:
            raise
        except Exception as error:  # of any library: the others are made all the same
            if stop := interruption(error) or next(map(Interrupted, self.signals), None):
                raise stop from None
            if not self.tolerant:
                raise
            if not isinstance(error, UserError):
                log.exception("%s", case.name)
            why = one_line(reason(error))
            log.warning("%s cannot be made: %s", case.name, why)
            files = {"reference": str(case.reference), "pose": str(case.pose)}
            self.failed.append({"name": case.name, **files, "error": why})
            return None

    def error(self, total: int, advice: str) -> UserError:
        """One line about all that failed.

        Args:
            total: number of cases.
            advice: a sentence.
        """
        named = some(f"{failure['name']} ({failure['error']})" for failure in self.failed)
        return UserError(f"{len(self.failed)} of {total} cases cannot be made: {named}. {advice}")

"""Clips that are shown and measured beside training, where one may turn out not to decode."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn, TypeVar

from aa.data.manifest import Clip
from aa.errors import ClipError, UserError

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Usable:
    """Uses clips; one that does not decode is an error or, with skip_bad, omitted.

    Every use tries all of them anew, so that what was read before changes nothing. `bad` maps
    those that were omitted to reasons; each is in the log once.

    Args:
        skip_bad: continue without them.
    """

    def __init__(self, skip_bad: bool) -> None:
        self.skip_bad, self.bad = skip_bad, {}

    def each(self, clips: Sequence[Clip], use: Callable[[Clip], Result]) -> list[Result]:
        """Return what `use` gives of every clip that can be used.

        Raises:
            ClipError: one cannot, without skip_bad.
            UserError: none can.
        """
        return list(self._some(clips, use)) or self._refuse(clips)

    def first(self, clips: Sequence[Clip], use: Callable[[Clip], Result]) -> Result:
        """Return what `use` gives of the first clip that can be used. Raises as `each` does."""
        for result in self._some(clips, use):
            return result
        return self._refuse(clips)

    def _some(self, clips: Sequence[Clip], use: Callable[[Clip], Result]) -> Iterator[Result]:
        for clip in clips:
            try:
                result = use(clip)
            except ClipError as error:
                if not self.skip_bad:
                    raise
                self._leave_out(clip, str(error))
                continue
            yield result

    def _leave_out(self, clip: Clip, reason: str) -> None:
        if clip not in self.bad:
            log.warning("left out of validation and samples: %s", reason)
            self.bad[clip] = reason

    def _refuse(self, clips: Sequence[Clip]) -> NoReturn:
        reason = self.bad[clips[0]]
        raise UserError(
            f"none of the {len(clips)} clips to validate on or to show can be read; the first: "
            f"{reason}"
        )

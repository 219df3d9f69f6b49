"""What a running training is asked for, after the step in hand: the same in every process."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from aa.runs.requests import SAMPLE, SAVE, STOP, VALIDATE

if TYPE_CHECKING:
    from aa.runs.requests import Mailbox
    from aa.training.stopping import Stopper

log = logging.getLogger(__name__)

LOOKS: Mapping[str, Sequence[str]] = {VALIDATE: ("figures", "clips"), SAMPLE: ("sample",)}
WHY = {
    VALIDATE: "this training holds no clips out (validation.num_clips=0)",
    SAMPLE: "this training shows no samples (stage.sample_steps=0)",
}


class Requested:
    """Requests after a step. The main process reads them, the others follow, see `flags`.

    Args:
        mailbox: None in all processes but the main one.
        stopper: that a request to stop goes to, as a signal would.

    Attributes:
        save: whether a checkpoint is asked for.
        looks: names of the looks at the model that are asked for; the main process knows them.
        waits: whether the others have to wait for such looks.
    """

    def __init__(self, mailbox: Mailbox | None, stopper: Stopper) -> None:
        self.mailbox, self.stopper = mailbox, stopper
        self.save, self.waits = False, False
        self.looks: set[str] = set()

    def clear(self) -> None:
        """Forget those of the step before."""
        self.save, self.waits = False, False
        self.looks = set()

    def read(self, step: int, available: Collection[str]) -> None:
        """Take what has been asked for until this step.

        Args:
            step: that has just been taken.
            available: names of the looks that this training has.
        """
        for wish in self.mailbox.take() if self.mailbox else ():
            log.info("asked after step %d: %s", step, wish)
            if wish == STOP:
                self.stopper.request()
            elif wish == SAVE:
                self.save = True
            elif found := [name for name in LOOKS[wish] if name in available]:
                self.looks |= set(found)
            else:
                log.warning("%s: not done, %s", wish, WHY[wish])
        if self.looks and self.stopper.signal is not None:
            log.info("%s: left to the run that is resumed", ", ".join(sorted(self.looks)))
        self.waits = bool(self.looks)

    def flags(self) -> list[float]:
        """What all processes must agree on, as numbers whose sum over them is taken."""
        return [float(self.save), float(self.waits)]

    def agree(self, sums: Sequence[float]) -> None:
        """Follow what one of the processes was asked for."""
        self.save, self.waits = (total > 0 for total in sums)

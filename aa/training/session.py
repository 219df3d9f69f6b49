"""What surrounds the steps of a training: its run folder, its records, and what may stop it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aa.errors import Interrupted
from aa.files import write_json
from aa.plain import printable
from aa.runs.outcomes import DONE, FAILED, INTERRUPTED
from aa.runs.requests import Mailbox
from aa.runs.resume import run_folder
from aa.training.callbacks import ProgressBarCallback
from aa.training.failures import check_finished, told_failures
from aa.training.requested import Requested
from aa.training.state import state_folder
from aa.training.steps import AgreeCallback, Step
from aa.training.stopping import Stopper
from aa.training.usable import Usable

if TYPE_CHECKING:
    from aa.runs.records import Recorder
    from aa.training.failures import Training
    from aa.training.watch import Watch


@dataclass
class Session:
    """One training from its start, or from a checkpoint, to its end or to what stops it.

    Args:
        folder: the run folder.
        max_steps, save_steps: of the stage.
        usable: for the clips that are shown and measured.
        recorder: None in all processes but the main one.
        resume_from: the checkpoint that the model has been loaded from.
        num_bad: clips omitted because they cannot be read.
        looks: at the model, by name: every so many steps, and whether at the last one too.
        make_watch: makes what tells of a step that is worth an alert, or None.

    Attributes:
        step: the one in hand.
        missed: names of looks at the last step that are to be made up for.
        requested: what somebody asked for, from outside, after the step in hand.
    """

    folder: Path
    max_steps: int
    save_steps: int
    usable: Usable
    recorder: Recorder | None = None
    resume_from: Path | None = None
    num_bad: int = 0
    looks: Mapping[str, tuple[int, bool]] = field(default_factory=dict)
    make_watch: Callable[[Step], Watch] | None = None
    step: Step = field(default_factory=Step)
    stopper: Stopper = field(default_factory=Stopper)
    bar: ProgressBarCallback = field(default_factory=ProgressBarCallback)
    missed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        mailbox = Mailbox(run_folder(self.folder)) if self.recorder is not None else None
        self.requested = Requested(mailbox, self.stopper)
        self.agree = AgreeCallback(self.step, self.stopper, self.requested, self.looks)
        self.watch = self.make_watch and self.make_watch(self.step)
        self._start = time.perf_counter()

    @property
    def state(self) -> str | None:
        """The state of training to resume from, None where it starts."""
        return str(state_folder(self.resume_from)) if self.resume_from else None

    @contextmanager
    def running(self, trainer: Training) -> Iterator[None]:
        """Context of the steps: signals end it after one, an error reports how far it came.

        Raises:
            UserError: it stopped before its end; the message says where to resume.
            Signalled: it was to stop, and could not save the step it was in.
        """
        self._start = time.perf_counter()
        steps = {"max_steps": self.max_steps, "save_steps": self.save_steps}
        told = told_failures(trainer, self.stopper, folder=self.folder, **steps)
        records = self._recording()
        with records, told, self.stopper, closing(self.bar), self.watch or nullcontext():
            yield
            if not self.agree.stops:
                check_finished(trainer.state.global_step, self.max_steps)
            self.agree.agree()  # the first process may have been saving when a signal came

    @contextmanager
    def _recording(self) -> Iterator[None]:
        """Context in which the records begin; what ends it before its time ends them."""
        if self.recorder is None:
            yield
            return
        try:
            self.recorder.begin()
            yield
        except BaseException as error:
            state = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
            with suppress(Exception):  # what has ended it is told
                self.recorder.close(state)
            raise

    def end(self, trainer: Training) -> None:
        """Close the records; write the summary of a finished training and print where it is.

        Raises:
            Interrupted: a signal came; the step it came in is saved.
        """
        if self.recorder is not None:
            whole = trainer.state.global_step >= self.max_steps and not self.missed
            self.recorder.close(DONE if whole else INTERRUPTED)
            if whole:
                self._finish(trainer)
        if self.agree.stops or self.stopper.signal:
            raise Interrupted(self.stopper.signal or signal.SIGTERM)  # another process had it

    def _finish(self, trainer: Training) -> None:
        bad = {*trainer.bad_clips, *(str(clip.video) for clip in self.usable.bad)}
        summary = {
            "steps": trainer.state.global_step,
            "last": cast("Recorder", self.recorder).last,
            "bad_clips": self.num_bad + len(bad),
            "seconds": round(time.perf_counter() - self._start, 3),
        }
        write_json(self.folder / "summary.json", summary)
        visualdl = Path(sys.executable).with_name("visualdl")
        print(f"run folder: {printable(self.folder)}")
        print(f"watch:      {visualdl} --logdir {printable(self.folder / 'vdl')}")

"""A training that stops before its end: why, how far it came, and where to resume."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aa.errors import ClipError, Signalled, UserError
from aa.runs.layout import STAGES, checkpoint_step, list_checkpoints
from aa.runs.resume import run_folder
from aa.training.state import state_folder
from aa.training.stopping import Stopper

if TYPE_CHECKING:
    from paddlenlp.trainer import TrainerState

    class Training(Protocol):
        """An `AnimateAnyoneTrainer`, as much of it as is read here and by its session."""

        state: TrainerState
        bad_clips: dict[str, str]

        def readers_trouble(self) -> str | None: ...


def check_finished(step: int, max_steps: int) -> None:
    """Check that a training that nobody stopped has taken all its steps.

    Raises:
        UserError: it has not.
    """
    if step < max_steps:
        raise UserError(
            f"training ended by itself at step {step}, {max_steps} were asked for "
            "(stage.max_steps): no more items came."
        )


@contextmanager
def told_failures(
    trainer: "Training", stopper: Stopper, *, folder: Path, max_steps: int, save_steps: int
) -> Iterator[None]:
    """Context in which what stops a training reports how far it came and where to resume.

    A mistake in the program stays what it is.

    Args:
        folder: of the stage: the run's, or one below it.
        max_steps, save_steps: of the stage.

    Raises:
        UserError: it has stopped for something that the user can fix.
        Signalled: it was to stop, and could not save the step it was in.
    """
    try:
        yield
    except Exception as error:
        if stopper.signal is not None and not isinstance(error, UserError):
            # A second wish inside a library, or another process of the group has ended already.
            raise Signalled(stopper.signal) from error
        line = str(error) if isinstance(error, UserError) else trainer.readers_trouble()
        if line is None:
            raise
        stopped = f"Training stopped after step {trainer.state.global_step} of {max_steps}"
        way = _way_on(folder, save_steps)
        if isinstance(error, ClipError):
            way = f"mend the clip, then {way}; or leave such clips out: add data.skip_bad=true"
        raise UserError(f"{line} {stopped}; {way}.") from error


def _way_on(folder: Path, save_steps: int) -> str:
    checkpoints, run = list_checkpoints(folder), run_folder(folder)
    if not checkpoints and folder.name == STAGES[1] and run != folder:
        return f"go on from the end of {STAGES[0]}: resume={run}"
    if not checkpoints:
        return f"start again, for it has no checkpoint yet (stage.save_steps={save_steps})"
    last = checkpoints[-1]
    if not state_folder(last).is_dir():
        return f"start a new run from its weights: stage.init_from={last}"
    return f"go on from step {checkpoint_step(last)}: resume={run}"

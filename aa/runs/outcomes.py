"""The end of a run: `outcome.json` in its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aa.errors import UserError, one_line
from aa.files import write_json
from aa.runs.kinds import Outcome
from aa.runs.layout import OUTCOME
from aa.runs.lock import is_held
from aa.runs.reading import read_record

DONE, FAILED, RUNNING = "done", "failed", "running"
INTERRUPTED, WAITING = "interrupted", "waiting"
NOTHING = {"error": None, "code": 0, "seconds": 0.0}


def state(folder: str | Path) -> str:
    """The state of the run of a folder, see `state_of`."""
    return state_of(folder, read_outcome(folder))


def state_of(folder: str | Path, outcome: Mapping[str, Any] | None) -> str:
    """The state of the run of a folder.

    Args:
        folder: the run folder.
        outcome: how it ended by itself, or None; see `read_outcome`.

    Returns:
        "running", "done", "failed", "interrupted", or "waiting" where nothing has begun.
    """
    if is_held(folder):
        return RUNNING
    if outcome and "state" in outcome:
        return outcome["state"]
    return INTERRUPTED if (Path(folder) / ".hydra").is_dir() else WAITING


def read_outcome(folder: str | Path) -> dict[str, Any] | None:
    """{"state", "error", "code", "seconds"} of a run that has ended by itself, else None.

    One that is damaged counts as none: the run resumes, and writes it anew.
    """
    try:
        outcome = read_record(folder, OUTCOME, Outcome)
    except (OSError, UserError):
        return None
    return {**NOTHING, **outcome} if "state" in outcome else None


def write_outcome(
    folder: str | Path, *, seconds: float, error: str | None = None, code: int = 0
) -> None:
    """Record that a run has ended by itself.

    Args:
        folder: the run folder.
        seconds: that it took.
        error: what made it fail, in one line; None if nothing did.
        code: its exit code.
    """
    outcome = {
        "state": FAILED if error else DONE,
        "error": error and one_line(error),
        "code": code,
        "seconds": round(seconds, 3),
    }
    write_json(Path(folder) / OUTCOME, outcome)


def forget_outcome(folder: str | Path) -> None:
    """Forget the outcome of a run that begins, or resumes."""
    (Path(folder) / OUTCOME).unlink(missing_ok=True)

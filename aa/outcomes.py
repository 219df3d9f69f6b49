"""How a run ended: `outcome.json` in its folder. Imports no paddle."""

from pathlib import Path

from aa.errors import one_line
from aa.lock import is_held
from aa.runs import read_json, write_json

OUTCOME = "outcome.json"
DONE, FAILED, RUNNING = "done", "failed", "running"
INTERRUPTED, WAITING = "interrupted", "waiting"


def state(folder):
    """What has become of the run of a folder.

    Returns:
        "running", "done", "failed", "interrupted", or "waiting" where nothing has begun.
    """
    if is_held(folder):
        return RUNNING
    outcome = read_outcome(folder)
    if outcome:
        return outcome["state"]
    return INTERRUPTED if (Path(folder) / ".hydra").is_dir() else WAITING


def read_outcome(folder):
    """{"state", "error", "code", "seconds"} of a run that has ended by itself, else None."""
    try:
        return read_json(Path(folder) / OUTCOME)
    except (OSError, ValueError):
        return None


def write_outcome(folder, *, seconds, error=None, code=0):
    """Say that a run has ended by itself.

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


def forget_outcome(folder):
    """The run of a folder begins, or goes on."""
    (Path(folder) / OUTCOME).unlink(missing_ok=True)

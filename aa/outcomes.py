"""How a run ended, and whether it goes on: `outcome.json`. Imports no paddle."""

from pathlib import Path

from aa.errors import UserError
from aa.lock import check_free
from aa.runs import read_json

NAME = "outcome.json"


def state(folder):
    """ "running", "done", "failed", "interrupted", or "waiting" for what has not begun."""
    folder = Path(folder)
    try:
        check_free(folder)
    except UserError:
        return "running"
    except OSError:
        pass  # a folder that can only be read: nobody writes there
    outcome = read_outcome(folder)
    if outcome:
        return outcome["state"]
    begun = any((folder / name).exists() for name in (".hydra", "snapshot.json", "stage1"))
    return "interrupted" if begun else "waiting"


def read_outcome(folder):
    """The outcome of a finished run, or None."""
    try:
        return read_json(Path(folder) / NAME)
    except (OSError, ValueError):
        return None

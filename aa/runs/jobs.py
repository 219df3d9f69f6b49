"""Run folders and values of configs, as people name them."""

import json
import os
from pathlib import Path
from typing import Any

from aa.errors import UserError
from aa.files import missing
from aa.runs.layout import HYDRA, JOB, METRICS, OUTCOME, SNAPSHOTS
from aa.runs.resume import locate, run_folder


def is_run(folder: Path) -> bool:
    """Return whether a folder is a run's."""
    names = (JOB, HYDRA, OUTCOME, METRICS, *SNAPSHOTS)
    return any(os.path.exists(folder / name) for name in names)


def run_at(path: str | Path) -> Path:
    """The run folder that a path names: itself, or the one that a checkpoint or a stage is in.

    Raises:
        UserError: there is no run.
    """
    run = run_folder(locate(path)[0])
    if not run.is_dir() or not is_run(run):
        raise UserError(f"{path}: {missing(path, 'run')}; give a run's folder, as `aa runs` shows.")
    return run


def spelled(value: Any) -> str:
    """A swept value as on a command line."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(spelled, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def short(path: str | Path) -> str:
    """A path as seen from here if it lies below, else whole."""
    relative = os.path.relpath(path)
    return os.path.abspath(path) if relative.startswith(os.pardir) else relative

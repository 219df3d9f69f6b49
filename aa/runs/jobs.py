"""One run of several that are compared, as its folder tells."""

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aa.errors import UserError
from aa.files import NoPlainFileError, missing
from aa.processes import runner_command
from aa.runs.differences import flat, without_runs
from aa.runs.kinds import Listed, Outcome
from aa.runs.layout import HYDRA, JOB, METRICS, OUTCOME, SNAPSHOTS
from aa.runs.metrics import Metric, metrics_of, stage_curves
from aa.runs.outcomes import state_of
from aa.runs.resume import NOT_DECISIVE, locate, run_folder
from aa.runs.tolerant import TolerantReader
from aa.runs.words import last_lines

LAST_LINES = 12  # of what a job that failed printed
LOGS = ("output.log", "train.log", "infer.log", "evaluate.log")  # the first there is


@dataclass(frozen=True)
class Job:
    """A run among others.

    Attributes:
        number: in the sweep; of runs that are no sweep, in the order given.
        folder: its run folder.
        state: see `aa.runs.outcomes.state`.
        swept: {key: value} of what sets it apart.
        metrics: {name: `Metric`}.
        curves: {stage: {name: list of (step, value)}}, see `metrics.stage_curves`.
        seconds: that it took, or None.
        error: one line, or None.
        last_lines: what it printed last, if it failed.
        command: that does it again.
        troubles: lines about files of it that are damaged.
    """

    number: int
    folder: Path
    state: str
    swept: dict
    metrics: dict[str, Metric]
    curves: dict[str, dict[str, list[tuple[int, float]]]] = field(repr=False)
    seconds: float | None = None
    error: str | None = None
    last_lines: list[str] = field(default_factory=list, repr=False)
    command: str = ""
    troubles: list[str] = field(default_factory=list, repr=False)

    @property
    def done(self) -> bool:
        """Return whether it has finished, so that its numbers can be compared."""
        return self.state == "done"

    @property
    def step(self) -> int | None:
        """The last recorded step, of its last stage that has begun; None before the first."""
        begun = [curves for curves in self.curves.values() if curves]
        return max(points[-1][0] for points in begun[-1].values()) if begun else None

    def value(self, metric: str | None) -> float | None:
        """The value of a metric, or None."""
        found = cast(Mapping[str | None, Metric], self.metrics).get(metric)
        return found.value if found else None


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


def read_job(reader: TolerantReader, number: int, swept: dict, runner: str) -> Job:
    """The `Job` of a run folder.

    Args:
        reader: of its folder.
        number, swept: see `Job`.
        runner: name of the script that made it, as "train.py".
    """
    folder = reader.folder
    outcome, curves = reader.json(OUTCOME, Outcome) or {}, stage_curves(reader)
    its_state = state_of(folder, outcome)
    return Job(
        number=number,
        folder=folder,
        state=its_state,
        swept=swept,
        metrics=metrics_of(reader, curves),
        curves=curves,
        seconds=outcome.get("seconds"),
        error=outcome.get("error"),
        last_lines=_last_lines(folder) if its_state in ("failed", "interrupted") else [],
        command=f"{runner_command(Path(runner).stem)} {shlex.quote(f'rerun={short(folder)}')}",
        troubles=reader.troubles,
    )


def read_snapshot_of(reader: TolerantReader) -> Listed:
    """The snapshot of a run, of its first stage if it has two; empty before it is written."""
    found = (reader.json(name, Listed) for name in SNAPSHOTS)
    return next((snapshot for snapshot in found if snapshot), Listed())


def decisive_values(snapshot: Listed) -> dict:
    """{dotted key: value} of what decides a run's result."""
    values = flat(without_runs(snapshot.get("config") or {}))
    return {key: value for key, value in values.items() if key not in NOT_DECISIVE}


def runner_of(snapshot: Listed) -> str:
    """Name of the script that made a run."""
    command = snapshot.get("command") or []
    scripts = [Path(word).name for word in command[:3] if word.endswith(".py")]
    return scripts[0] if scripts else "train.py"


def differing(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values differ between configs, and the groups that are null in some only.

    A key that one of them has not got, of another version or inside a null group, is no difference.
    """
    keys = dict.fromkeys(key for config in configs for key in config)
    groups = {key[:place] for key in keys for place, letter in enumerate(key) if letter == "."}
    values = {key: {repr(config[key]) for config in configs if key in config} for key in keys}
    return [key for key in keys if len(values[key]) > 1 or key in groups]


def _last_lines(folder: str | Path) -> list[str]:
    """The last lines that a run printed."""
    for name in LOGS:
        with suppress(OSError, NoPlainFileError):
            if found := last_lines(Path(folder) / name, LAST_LINES):
                return found
    return []


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

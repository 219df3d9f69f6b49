"""One run of several that are compared."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aa.files import NoPlainFileError
from aa.processes import runner_command
from aa.runs.differences import RUN_LINKS
from aa.runs.jobs import short
from aa.runs.metrics import Curves, Metric
from aa.runs.outcomes import DONE, FAILED, INTERRUPTED
from aa.runs.resume import NOT_DECISIVE
from aa.runs.summary import Run, read_with_curves
from aa.runs.words import last_lines

LAST_LINES = 12  # of what a job that failed printed
LOGS = ("output.log", "train.log", "infer.log", "evaluate.log")  # the first there is


@dataclass(frozen=True)
class Job:
    """A run among others.

    Attributes:
        number: in the sweep; of runs that are no sweep, in the order given.
        swept: {key: value} of what sets it apart.
        run: itself.
        curves: {stage: {name: list of (step, value)}}, see `metrics.stage_curves`.
        last_lines: what it printed last, if it failed.
    """

    number: int
    swept: dict[str, Any]
    run: Run
    curves: Curves = field(repr=False)
    last_lines: list[str] = field(default_factory=list, repr=False)

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.run.folder

    @property
    def state(self) -> str:
        """See `aa.runs.outcomes.state`."""
        return self.run.state

    @property
    def done(self) -> bool:
        """Return whether it has finished, so that its numbers can be compared."""
        return self.state == DONE

    @property
    def metrics(self) -> dict[str, Metric]:
        """{name: `Metric`}."""
        return self.run.metrics

    @property
    def command(self) -> str:
        """The command that does it again."""
        again = shlex.quote(f"rerun={short(self.folder)}")
        return f"{runner_command(self.run.kind or 'train')} {again}"

    def value(self, metric: str | None) -> float | None:
        """The value of a metric, or None."""
        found = cast(Mapping[str | None, Metric], self.metrics).get(metric)
        return found.value if found else None


def read_job(folder: Path, number: int, swept: dict[str, Any] | None = None) -> Job:
    """The `Job` of a run folder.

    Args:
        folder: of the run.
        number, swept: see `Job`.
    """
    run, curves = read_with_curves(folder)
    lines = _last_lines(folder) if run.state in (FAILED, INTERRUPTED) else []
    return Job(number, swept or {}, run, curves, lines)


def decisive_values(run: Run) -> dict[str, Any]:
    """{dotted key: value} of what decides a run's result.

    What a run that ended before its snapshot has left unresolved is no value.
    """
    return {
        key: value
        for key, value in run.config.items()
        if key.split(".")[0] not in RUN_LINKS
        and key not in NOT_DECISIVE
        and not (isinstance(value, str) and "${" in value)
    }


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

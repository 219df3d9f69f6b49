"""Results of a sweep, or of several runs, as plain records."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aa.errors import UserError
from aa.evaluation.metrics import mean_and_interval
from aa.reports.jobs import Job, decisive_values, differing, read_job
from aa.runs.jobs import is_run
from aa.runs.kinds import Job as JobRecord
from aa.runs.kinds import SweepAbout
from aa.runs.layout import JOB, SWEEP
from aa.runs.metrics import USUAL, direction, is_metric
from aa.runs.tolerant import TolerantReader
from aa.runs.work import Work, total_work

SEED, ALL = "seed", "all"
ITEMS = {"infer": "videos", "evaluate": "clips"}  # of kinds of runs; of trainings samples


@dataclass(frozen=True)
class Sweep:
    """Jobs that are compared.

    Attributes:
        folders: those requested.
        about: what `sweep.json` says; empty for runs that are no sweep.
        keys: that set the jobs apart.
        jobs: best first, those without a value of the metric last.
        metric: its name, or None if no job has one.
        direction: "min" or "max", or None.
        troubles: lines about files that are damaged.
    """

    folders: list[Path]
    about: SweepAbout
    keys: list[str]
    jobs: list[Job]
    metric: str | None
    direction: str | None
    troubles: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> list[str]:
        """Names of all metrics that a job has, the one compared first."""
        rest = sorted({name for job in self.jobs for name in job.metrics} - {self.metric})
        return [self.metric, *rest] if self.metric else rest

    @property
    def states(self) -> dict[str, int]:
        """{state: how many jobs}, the most first."""
        return dict(Counter(job.state for job in self.jobs).most_common())

    @property
    def items(self) -> str:
        """The name of what the jobs work on."""
        return ITEMS.get(self.jobs[0].run.kind, "samples")

    @property
    def ranked(self) -> list[Job]:
        """The jobs that have a value of the metric, best first."""
        return [job for job in self.jobs if job.value(self.metric) is not None]


@dataclass(frozen=True)
class Group:
    """Finished jobs that differ in the seed alone: mean, half its 95% interval or None, count."""

    swept: dict
    mean: float
    half: float | None
    count: int


@dataclass(frozen=True)
class Total:
    """The time and work of several jobs.

    Attributes:
        of: a state, or `ALL`.
        jobs: how many.
        seconds: of their last starts, as far as they have ended by themselves; None if none has.
        work: of all of them.
    """

    of: str
    jobs: int
    seconds: float | None
    work: Work


def totals(sweep: Sweep) -> list[Total]:
    """The `Total` of the jobs of each state, the most first; of several that of all, too."""
    found = [(s, [job for job in sweep.jobs if job.state == s]) for s in sweep.states]
    found += [(ALL, sweep.jobs)] if len(found) > 1 else []
    return [_total(of, jobs) for of, jobs in found]


def _total(of: str, jobs: Sequence[Job]) -> Total:
    seconds = [job.run.seconds for job in jobs if job.run.seconds is not None]
    work = total_work(job.run.work for job in jobs)
    return Total(of, len(jobs), math.fsum(seconds) if seconds else None, work)


def collect(folders: Sequence[str | Path], *, metric: str | None = None) -> Sweep:
    """Read the `Sweep` of a sweep's folder, or of several run folders.

    Args:
        folders: of one that holds run folders itself, these are taken.
        metric: to compare by; None for the sweep's own, or else the first of `USUAL` there is.

    Raises:
        UserError: no such folder, no runs in it, or no such metric.
    """
    folders = [Path(folder) for folder in folders]
    reader = TolerantReader(folders[0])
    about = (reader.json(SWEEP, SweepAbout) if len(folders) == 1 else None) or SweepAbout()
    runs = [run for folder in folders for run in _runs(folder)]
    if (own := about.get("metric")) and not is_metric(own):
        reader.troubles.append(f"{folders[0] / SWEEP}: {own} is no metric; left out")
        about.pop("metric", None)
    jobs = _sweep_jobs(runs) if about else _run_jobs(runs)
    found = sorted({name for job in jobs for name in job.metrics})
    if metric and metric not in found and metric != about.get("metric"):
        there = f"there are {', '.join(found)}" if found else "no run has recorded one yet"
        raise UserError(f"metric {metric}: no run has it; {there}.")
    usual = (name for name in (*USUAL, *found) if name in found)
    chosen = metric or about.get("metric") or next(usual, None)
    own = about.get("direction") if chosen == about.get("metric") else None
    way = own or (chosen and direction(chosen))
    keys = dict.fromkeys(about.get("swept") or ()) | dict.fromkeys(k for j in jobs for k in j.swept)
    jobs = ranked(jobs, chosen, way)
    troubles = [*reader.troubles, *(line for job in jobs for line in job.run.troubles)]
    return Sweep(folders, about, list(keys), jobs, chosen, way, list(dict.fromkeys(troubles)))


def ranked(jobs: Iterable[Job], metric: str | None, way: str | None) -> list[Job]:
    """Jobs by a metric, best first, those without a value last; equal ones by number."""
    sign = -1 if way == "max" else 1

    def place(job):
        value = job.value(metric)
        return (value is None, 0 if value is None else sign * value, job.number)

    return sorted(jobs, key=place)


def over_seeds(sweep: Sweep) -> list[Group]:
    """The `Group`s of finished jobs by all swept keys but the seed, best first.

    Empty if the seed was not swept: every group would be one job.
    """
    if SEED not in sweep.keys:
        return []
    keys = [key for key in sweep.keys if key != SEED]
    groups = [
        Group(swept, *mean_and_interval(values), len(values))
        for swept, values in grouped(sweep, keys)
    ]
    return sorted(groups, key=lambda group: group.mean, reverse=sweep.direction == "max")


def grouped(sweep: Sweep, keys: Sequence[str]) -> list[tuple[dict[str, Any], list[float]]]:
    """(values of the keys, metric of every finished job that has them), in order of first sight."""
    groups = {}
    for job in sorted(sweep.ranked, key=lambda job: job.number):
        if job.done:
            swept = {key: job.swept.get(key) for key in keys}
            groups.setdefault(repr(swept), (swept, []))[1].append(job.value(sweep.metric))
    return list(groups.values())


def _runs(folder: Path) -> list[Path]:
    """The run folders that a folder is or holds, in the order of their numbers and names."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give that of a sweep or of several runs.")
    if is_run(folder) and not (folder / SWEEP).is_file():
        return [folder]
    runs = [inner for inner in folder.iterdir() if inner.is_dir() and is_run(inner)]
    if (folder / SWEEP).is_file():  # its jobs lie in it; a folder of runs may be one of links
        runs = [run for run in runs if not run.is_symlink()]
    if not runs:
        raise UserError(f"{folder}: holds no runs; give the folder of a sweep or of several runs.")
    return sorted(runs, key=lambda run: (_number(run) is None, _number(run) or 0, run.name))


def _sweep_jobs(runs: list[Path]) -> list[Job]:
    jobs = []
    for place, run in enumerate(runs):
        reader, named = TolerantReader(run), _number(run)
        record = reader.json(JOB, JobRecord) or {}
        number = record.get("number", place if named is None else named)
        jobs.append(read_job(run, number, record.get("swept")))
    return jobs


def _run_jobs(runs: list[Path]) -> list[Job]:
    """Jobs of runs that are no sweep, or of several: what sets them apart is in their configs."""
    jobs = [read_job(run, number) for number, run in enumerate(runs)]
    configs = [decisive_values(job.run) for job in jobs]
    keys = differing([config for config in configs if config])
    return [
        replace(job, swept={key: config[key] for key in keys if key in config})
        for job, config in zip(jobs, configs, strict=True)
    ]


def _number(run: Path) -> int | None:
    """The number that a job's folder begins with, or None; times of day are none."""
    found = re.match(r"(\d+)_", run.name)
    return int(found[1]) if found else None

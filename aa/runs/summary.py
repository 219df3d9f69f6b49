"""A run as its files tell: the one reader of them, for lists, comparisons and reports."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aa.runs.differences import flat
from aa.runs.disk import disk_size, last_change
from aa.runs.jobs import spelled
from aa.runs.kinds import HydraFile, Job, Listed, Outcome, Overrides, Plain, SweepAbout
from aa.runs.layout import HYDRA, JOB, NOTES, OUTCOME, STAGES, SWEEP, first_snapshot
from aa.runs.metrics import USUAL, Curves, Metric, read_results
from aa.runs.notes import Notes
from aa.runs.outcomes import state_of
from aa.runs.tolerant import TolerantReader
from aa.runs.work import Work

OVERRIDES = f"{HYDRA}/overrides.yaml"


@dataclass(frozen=True)
class Run:
    """A run of any runner.

    Attributes:
        folder: its run folder.
        sweep: folder of the sweep that it is a job of, or None.
        kind: its runner: "train", "infer", "evaluate".
        state: see `aa.runs.outcomes.state`.
        config: {dotted key: value}; as composed where it ended before its snapshot.
        home: the working directory that relative paths in it are meant from.
        overrides: what the command line set; of a job what was swept.
        step, steps: the last recorded one of the stage it has come to, and of how many; or None.
        stage: the name of that stage where the run has two, else "".
        metric: (name, value) of what it is best compared by, or None.
        metrics: {name: `Metric`} of all that it has.
        work: what it has done.
        notes: what people have to say of it.
        seconds: that its last start took, if it has ended by itself, or None.
        error: what made it fail, in one line, or None.
        changed: when the run last wrote something there, in seconds since 1970.
        troubles: lines about files of it that are damaged.
        counted: its size where that is known, or None.
    """

    folder: Path
    sweep: Path | None
    kind: str
    state: str
    config: dict = field(repr=False)
    home: Path
    overrides: list[str]
    step: int | None
    steps: int | None
    stage: str
    metric: tuple[str, float] | None
    metrics: dict[str, Metric] = field(repr=False)
    work: Work
    notes: Notes
    seconds: float | None
    error: str | None
    changed: float
    troubles: list[str] = field(default_factory=list, repr=False)
    counted: int | None = field(default=None, repr=False, compare=False)

    @cached_property
    def size(self) -> int:
        """Bytes on the disk, counted when first requested."""
        return disk_size(self.folder) if self.counted is None else self.counted

    @property
    def known_size(self) -> int | None:
        """The size, if it has been requested; None before."""
        return vars(self).get("size", self.counted)


def sweep_of(folder: Path) -> Path | None:
    """The folder of the sweep that a run folder is a job of, or None."""
    return folder.parent if (folder.parent / SWEEP).is_file() else None


def read_run(folder: Path) -> Run:
    """The `Run` of a folder; what is missing or damaged is left out."""
    return read_with_curves(folder)[0]


def read_with_curves(folder: Path) -> tuple[Run, Curves]:
    """As `read_run`, and the curves of its stages."""
    reader, sweep = TolerantReader(folder), sweep_of(folder)
    results, about = read_results(reader), SweepAbout()
    if sweep:
        of_sweep = TolerantReader(sweep)
        about = of_sweep.json(SWEEP, SweepAbout) or about
        reader.troubles += of_sweep.troubles
    kind, config, home = _snapshot(reader) or _composed(reader)
    curves, metrics = results.curves, results.metrics
    known = (about.get("metric"), *USUAL, *metrics)
    name = next((n for n in known if n in metrics), None)
    stage = next((s for s in reversed(curves) if curves[s]), next(iter(curves)))
    points, outcome = curves[stage].values(), reader.json(OUTCOME, Outcome) or Outcome()
    run = Run(
        folder=folder,
        sweep=sweep,
        kind=kind or Path(about.get("runner", "")).stem,
        state=state_of(folder, outcome),
        config=config,
        home=Path(home),
        overrides=_swept(reader) if sweep else reader.yaml(OVERRIDES, Overrides) or [],
        step=max((of_one[-1][0] for of_one in points), default=None),
        steps=_whole(config.get(f"{'next_stage' if stage == STAGES[1] else 'stage'}.max_steps")),
        stage=stage,
        metric=(name, metrics[name].value) if name else None,
        metrics=metrics,
        work=results.work,
        notes=reader.json(NOTES, Notes) or Notes(),
        seconds=outcome.get("seconds"),
        error=outcome.get("error"),
        changed=last_change(folder),
        troubles=reader.troubles,
    )
    return run, curves


def _snapshot(reader: TolerantReader) -> tuple[str, dict[str, Any], str] | None:
    """(kind, config, working directory), or None before there is a snapshot."""
    found = first_snapshot(lambda name: reader.json(name, Listed))
    if not found:
        return None
    scripts = [Path(word) for word in found.get("command", [])[:3] if word.endswith(".py")]
    kind, config = scripts[0].stem if scripts else "", flat(found.get("config", {}))
    return kind, config, found.get("working_directory") or "."


def _composed(reader: TolerantReader) -> tuple[str, dict[str, Any], str]:
    """As `_snapshot`, of what Hydra writes before the run begins."""
    config = reader.yaml(f"{HYDRA}/config.yaml", Plain) or {}
    hydra = (reader.yaml(f"{HYDRA}/hydra.yaml", HydraFile) or {}).get("hydra", {})
    kind, home = hydra.get("job", {}).get("name"), hydra.get("runtime", {}).get("cwd")
    return kind or "", flat(config), home or "."


def _swept(reader: TolerantReader) -> list[str]:
    job = reader.json(JOB, Job) or {}
    return [f"{key}={spelled(value)}" for key, value in job.get("swept", {}).items()]


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None

"""The runs below a folder, as their files tell. Imports no paddle."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

from aa.differences import flat
from aa.errors import UserError
from aa.outcomes import state
from aa.runs import STAGES
from aa.sweeps.jobs import SNAPSHOTS, spelled
from aa.sweeps.metrics import USUAL, metrics_of, read_tolerantly, stage_curves
from aa.sweeps.sweep import JOB, SWEEP

HYDRA = ".hydra"
INSIDE = (*STAGES, "checkpoints", "samples", "vdl", "logs", "report")  # of a run, where no other is
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is there


@dataclass(frozen=True)
class Run:
    """A run of any runner.

    Attributes:
        folder: its run folder.
        sweep: folder of the sweep that it is a job of, or None.
        kind: its runner: "train", "infer", "evaluate".
        state: see `aa.outcomes.state`.
        config: {dotted key: value}; as composed where it ended before its snapshot.
        home: the working directory that relative paths in it are meant from.
        overrides: what the command line set; of a job what was swept.
        step, steps: the last recorded one of the stage it has come to, and of how many; or None.
        stage: the name of that stage where the run has two, else "".
        metric: (name, value) of what it is best compared by, or None.
        changed: when something in it was last written, in seconds since 1970.
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
    changed: float

    @cached_property
    def size(self):
        """Bytes on the disk, counted when first asked for."""
        return disk_size(self.folder)


def list_runs(outputs):
    """The `Run`s below a folder, the one that was last written first.

    Raises:
        UserError: no such folder.
    """
    if not Path(outputs).is_dir():
        raise UserError(f"{outputs}: no such folder; give the one that runs are below.")
    return sorted(map(read_run, find_runs(outputs)), key=lambda run: run.changed, reverse=True)


def find_runs(outputs):
    """Yield the run folders below a folder, itself included; links are not followed."""
    for name, folders, files in os.walk(outputs):
        folder, found = Path(name), HYDRA in folders or "snapshot.json" in files
        found = found or (JOB in files and sweep_of(folder) is not None)
        skipped = INSIDE if found else ()
        folders[:] = [f for f in folders if not f.startswith(".") and f not in skipped]
        if found:
            yield folder


def sweep_of(folder):
    """The folder of the sweep that a run folder is a job of, or None."""
    return folder.parent if (folder.parent / SWEEP).is_file() else None


def read_run(folder):
    """The `Run` of a folder; what is missing or half-written is left out."""
    sweep, curves = sweep_of(folder), stage_curves(folder)
    job, about = read_tolerantly(folder / JOB), read_tolerantly(folder.parent / SWEEP)
    kind, config, home = _snapshot(folder) or _composed(folder)
    metrics = metrics_of(folder, curves)
    known = (about.get("metric"), *USUAL, *metrics)
    name = next((n for n in known if n in metrics), None)
    stage = next((s for s in reversed(curves) if curves[s]), next(iter(curves)))
    points = curves[stage].values()
    return Run(
        folder=folder,
        sweep=sweep,
        kind=kind or Path(about.get("runner") or "").stem,
        state=state(folder),
        config=config,
        home=Path(home),
        overrides=_swept(job) if sweep else _overrides(folder),
        step=max((of_one[-1][0] for of_one in points), default=None),
        steps=config.get(f"{'next_stage' if stage == STAGES[1] else 'stage'}.max_steps"),
        stage=stage,
        metric=(name, metrics[name].value) if name else None,
        changed=_changed(folder),
    )


def disk_size(folder):
    """Bytes that a folder takes on the disk; links are not followed."""
    total, seen = 0, set()
    for name, folders, files in os.walk(folder):
        for entry in (name, *(os.path.join(name, n) for n in (*folders, *files))):
            try:
                status = os.lstat(entry)
            except FileNotFoundError:  # a running one deletes its old checkpoints
                continue
            if (status.st_dev, status.st_ino) not in seen:  # a file may have several names
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def _snapshot(folder):
    """(kind, config, working directory), or None before there is a snapshot."""
    found = next(filter(None, (read_tolerantly(folder / name) for name in SNAPSHOTS)), None)
    if found is None:
        return None
    scripts = [Path(word) for word in (found.get("command") or [])[:3] if word.endswith(".py")]
    config = flat(found.get("config") or {})
    return scripts[0].stem if scripts else "", config, found.get("working_directory") or "."


def _composed(folder):
    """As `_snapshot`, of what Hydra writes before the run begins."""
    config, hydra = (_yaml(folder / HYDRA / name) for name in ("config.yaml", "hydra.yaml"))
    about = flat(hydra if isinstance(hydra, dict) else {})
    values = flat(config if isinstance(config, dict) else {})
    return about.get("hydra.job.name", ""), values, about.get("hydra.runtime.cwd") or "."


def _overrides(folder):
    given = _yaml(folder / HYDRA / "overrides.yaml")
    return [str(override) for override in given] if isinstance(given, list) else []


def _swept(job):
    return [f"{key}={spelled(value)}" for key, value in (job.get("swept") or {}).items()]


def _yaml(path):
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _changed(folder):
    """Of the folder, all that lies in it and in the folders of its stages."""
    times = [folder.stat().st_mtime]
    for place in (folder, *(folder / name for name in STAGES)):
        try:
            times += [entry.stat(follow_symlinks=False).st_mtime for entry in os.scandir(place)]
        except OSError:
            continue
    return max(times)

"""The screen of one run: its state, curves, samples, results, log and config."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Blueprint, render_template, request

from aa.app import curves
from aa.app.desk import desk
from aa.app.media import results_of, samples_of
from aa.app.sending import REPORTS
from aa.files import NoPlainFileError
from aa.processes import runner_command
from aa.reports.jobs import LOGS
from aa.runs.jobs import short, spelled
from aa.runs.listing import Run, read_run
from aa.runs.metrics import stage_curves
from aa.runs.outcomes import INTERRUPTED, RUNNING, read_outcome
from aa.runs.progress import read_progress
from aa.runs.requests import ASKED, SAMPLE
from aa.runs.resume import has_begun
from aa.runs.tolerant import TolerantReader
from aa.runs.words import last_lines

screen = Blueprint("run", __name__)

LINES, MOST_SAMPLES = 40, 6  # of the log, of the steps that are shown
RESUMED = ("train", "infer")


@screen.get("/run/<path:name>")
def run(name: str) -> str:
    """One run; `part` alone is what changes while it runs."""
    folder = desk().places.run(name)
    its_run = read_run(folder)
    outcome = read_outcome(folder) or {}
    resumable = its_run.kind in RESUMED and its_run.state in (INTERRUPTED, "failed")
    return render_template(
        "run_part.html" if "part" in request.args else "run.html",
        run=its_run,
        name=desk().places.name(folder),
        plots=_plots(folder),
        samples=samples_of(folder)[:MOST_SAMPLES],
        results=results_of(folder),
        progress=read_progress(folder) if its_run.state == RUNNING else None,
        error=outcome.get("error"),
        seconds=outcome.get("seconds"),
        log=log_of(folder),
        config=[(key, spelled(value)) for key, value in sorted(its_run.config.items())],
        reports=[folder / n for n in REPORTS if (folder / n).is_file()],
        wishes=_wishes(its_run),
        resumable=resumable and has_begun(folder),
        commands=_commands(its_run),
    )


def log_of(folder: Path) -> list[str]:
    """The last lines that a run has logged."""
    for name in LOGS:
        with suppress(OSError, NoPlainFileError):
            return last_lines(folder / name, LINES)
    return []


def _wishes(run: Run) -> list[str]:
    """What a training that runs can be asked for."""
    if run.kind != "train" or run.state != RUNNING:
        return []
    shows = any(run.config.get(f"{stage}.sample_steps") for stage in ("stage", "next_stage"))
    return [wish for wish in ASKED if shows or wish != SAMPLE]


def _plots(folder: Path) -> list[curves.Plot]:
    found: dict[str, dict[str, Any]] = {}
    for stage, of_stage in stage_curves(TolerantReader(folder))[0].items():
        for metric, points in of_stage.items():
            found.setdefault(metric, {})[stage.replace("stage", "stage ")] = points
    return curves.plots(found)


def _commands(run: Run) -> list[tuple[str, str]]:
    """(what for, command) of what can be done with a run from a terminal."""
    place = short(run.folder)
    found = [("compare", f"{runner_command('runs')} diff {shlex.quote(place)} <another run>")]
    if run.kind in ("train", "infer"):
        begun = runner_command(run.kind)
        found.insert(0, ("the same again", f"{begun} {shlex.quote(f'rerun={place}')}"))
        if run.state in (INTERRUPTED, "failed"):
            found.insert(0, ("go on", f"{begun} {shlex.quote(f'resume={place}')}"))
    return found

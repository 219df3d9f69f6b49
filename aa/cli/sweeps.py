"""The command of a sweep: its folder, what resumes it, and what is reported at its end."""

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from aa.cli.recorded import (
    RUNNERS,
    composed,
    config_homes,
    given_folder,
    given_options,
    option_words,
    split_options,
)
from aa.cli.recorded_overrides import Recorded, refuse_options
from aa.config.convert import typed, without_hydra
from aa.config.keys import known_keys
from aa.config.overrides import assignment, normalise_overrides
from aa.config.sweep import SweepConfig
from aa.config.texts import literal
from aa.errors import UserError, one_line
from aa.plain import printable
from aa.processes import runner_command
from aa.runs.kinds import RecordedSweep
from aa.runs.layout import SWEEP
from aa.runs.links import check_own
from aa.runs.lock import held
from aa.runs.metrics import direction
from aa.runs.outcomes import DONE, FAILED, INTERRUPTED, RUNNING, WAITING, read_outcome, state
from aa.runs.reading import read_record
from aa.sweeps.ray_jobs import RAY, ray_options, start_ray
from aa.sweeps.sweep import Sweep

MULTIRUN = ("-m", "--multirun")
NOT_RECORDED = re.compile(r"\+{0,2}(sweep\.resume|hydra\.(mode|sweep\.dir))=")
SLURM = "SlurmLauncher"
FIRST_ERROR, STOPPED = 2, 130  # exit codes: of a failure without one, of jobs that were stopped


def is_sweep(arguments: list[str]) -> bool:
    """Return whether the arguments, options first, request several jobs."""
    words, overrides = split_options(arguments)
    asked = any(word in MULTIRUN for word in words)
    return asked or any(re.match(r"hydra\.mode=MULTIRUN$|sweep\.resume=", o) for o in overrides)


@contextmanager
def sweeping(
    arguments: list[str], schema: type, *, runner: str, full_error: bool
) -> Iterator[tuple[Sweep, list[str]]]:
    """Hold the folder of the sweep that arguments request, new or resumed.

    Args:
        arguments: of the command, options first.
        schema: dataclass of the primary config.
        runner: the runner's path.
        full_error: jobs show whole tracebacks of the user's errors too.

    Yields:
        the `Sweep`, and the arguments to give to Hydra.

    Raises:
        UserError: there is no such sweep, it is running, or the config cannot be made.
    """
    words, given = split_options(arguments)
    if "sweep" not in known_keys(schema):
        raise UserError(f"{Path(runner).name} makes no sweep: leave out -m.")
    if given_folder(given, "resume"):
        raise UserError(
            "resume= goes on with one run; a stopped sweep goes on with sweep.resume=<its folder>."
        )
    words = [word for word in words if word not in MULTIRUN]
    overrides = normalise_overrides([o for o in given if not NOT_RECORDED.match(o)])
    old, swept = given_folder(given, r"sweep\.resume"), []
    if old:
        earlier = _read(old, runner)
        swept, asked = earlier["swept"], f"sweep.resume={old}"
        taken = _taken(earlier, schema, runner, words=words, given=overrides, asked=asked)
        overrides = _changed(taken, overrides)
    wanted = old or given_folder(given, r"hydra\.sweep\.dir")
    options = given_options(words)
    with composed(options, overrides, schema, runner, mode=RunMode.MULTIRUN) as config:
        sweep = _describe(config, _options(config, schema), overrides, runner)
        beside = ray_options(config.hydra.launcher) if sweep.launcher == RAY else None
        folder = str(wanted or config.hydra.sweep.dir)  # made where it is requested: last
        own = _optuna(config, sweep, overrides) if sweep.sweeper == "optuna" else []
        own += _pairing(config, sweep)
    if not old:
        _refuse_begun(Path(folder))
    swept = list(dict.fromkeys([*swept, *sweep.swept]))
    sweep = replace(sweep, folder=folder, swept=swept, options=words, full_error=full_error)
    Path(folder).mkdir(parents=True, exist_ok=True)
    with held(folder):
        sweep.write()
        for line in sweep.damaged():
            print(f"damaged: {one_line(line)} It is written anew.", file=sys.stderr)
        if beside is not None:
            start_ray(beside)
        own += [f"hydra.sweep.dir={literal(folder)}", "hydra.output_subdir=null"]
        yield sweep, ["--multirun", *words, *sweep.arguments, *own]


def _refuse_begun(folder: Path) -> None:
    """Refuse to begin a sweep where there is one, or in a folder that holds a link."""
    if folder.is_dir():
        check_own(folder)
    if (folder / SWEEP).exists():
        raise UserError(
            f"{folder}: holds a sweep already; choose another hydra.sweep.dir=<folder>, or go on "
            f"with it: sweep.resume={folder}."
        )


def _read(folder: Path, runner: str) -> RecordedSweep:
    """Read the `sweep.json` of a stopped sweep."""
    try:
        check_own(folder)
        earlier = read_record(folder, SWEEP, RecordedSweep)
    except UserError as error:
        raise UserError(f"sweep.resume={folder}: {error}") from error
    except OSError as error:
        raise UserError(
            f"sweep.resume={folder}: no sweep to go on with: there is no {folder / SWEEP}. Give "
            "the folder of a sweep, as it was printed when it started."
        ) from error
    before = Path(earlier["runner"]).name
    if before != Path(runner).name:
        again = f"{runner_command(Path(before).stem)} sweep.resume={folder}"
        raise UserError(
            f"sweep.resume={folder}: is a sweep of {one_line(before)}: "
            f"{again if before in RUNNERS else 'no runner of ours'}"
        )
    return earlier


def _taken(
    earlier: RecordedSweep,
    schema: type,
    runner: str,
    *,
    words: list[str],
    given: list[str],
    asked: str,
) -> list[str]:
    """Arguments that are taken of an earlier sweep."""
    options = given_options(words)
    try:
        refuse_options(earlier["options"], options, home=earlier.get("home", ""), asked=asked)
        recorded = Recorded(schema, config_homes(options, runner), given)
        return recorded.of_sweep(earlier["arguments"])
    except UserError as error:
        raise UserError(f"{asked}: {error}") from error


def _changed(earlier: list[str], given: list[str]) -> list[str]:
    """Overrides with those given in the places of earlier ones of the same keys."""
    new = {assignment(o)[0]: o for o in given}
    kept = [new.pop(assignment(o)[0], o) for o in earlier]
    return kept + list(new.values())


def _options(config: DictConfig, schema: type) -> SweepConfig:
    """The checked `SweepConfig` of a config; a metric is one that its jobs will have."""
    whole: Any = typed(without_hydra(config), schema)
    options: Any = OmegaConf.to_object(whole.sweep)
    validates = whole.get("validation") is None or whole.validation.num_clips or whole.test
    if str(options.metric).startswith("val/") and not validates:
        raise UserError(
            f"sweep.metric={options.metric}: no job validates; add validation.num_clips=8, for "
            "example, or compare by train/loss."
        )
    return options


def _describe(config: DictConfig, options: SweepConfig, overrides: list[str], runner: str) -> Sweep:
    sweeper = config.hydra.sweeper
    name = str(sweeper._target_).rpartition(".")[2].removesuffix("Sweeper").lower()
    if name == "optuna" and not options.metric:
        raise UserError("a search needs what to search by: add sweep.metric=val/loss, for example.")
    launcher = str(config.hydra.launcher._target_)
    if launcher.endswith(f".{SLURM}") and "aa_slurm" not in launcher:
        raise UserError(
            "hydra/launcher=submitit_slurm: this environment is older than our launcher for Slurm: "
            "run `make setup`, or pip install -e ."
        )
    return Sweep(
        folder="",
        runner=str(Path(runner).resolve()),
        options=[],
        arguments=overrides,
        command=f"{runner_command(runner)} {shlex.join(sys.argv[1:])}",
        swept=[*(sweeper.get("params") or {}), *_swept(overrides)],
        metric=options.metric,
        direction=options.direction or (options.metric and direction(options.metric)),
        launcher=launcher.rpartition(".")[2],
        sweeper=name,
        full_error=False,
        home=os.getcwd(),
        started=time.time(),
    )


def _swept(overrides: list[str]) -> Iterator[str]:
    """The keys among overrides that have several values."""
    parser = OverridesParser.create()
    for override in overrides:
        try:
            if parser.parse_override(override).is_sweep_override():
                yield assignment(override)[0]
        except HydraException:  # Hydra will say so
            continue


def _optuna(config: DictConfig, sweep: Sweep, overrides: list[str]) -> list[str]:
    """Settings of Hydra's Optuna sweeper, unless the command line gives them.

    With a seed it requests the same values again when the sweep is resumed: what is done is found.
    And it does not fail as a whole where one trial does.
    """
    wanted = {
        "hydra.sweeper.direction": "maximize" if sweep.direction == "max" else "minimize",
        "hydra.sweeper.max_failure_rate": "1.0",
    }
    if "seed" in config.hydra.sweeper.sampler:
        wanted["hydra.sweeper.sampler.seed"] = str(config.get("seed", 0))
    given = {assignment(o)[0] for o in overrides}
    return [f"{key}={value}" for key, value in wanted.items() if key not in given]


def _pairing(config: DictConfig, sweep: Sweep) -> list[str]:
    """The sweeper that pairs values and leaves combinations out, where that is requested."""
    if not (config.sweep.get("zip") or config.sweep.get("exclude")):
        return []
    if sweep.sweeper != "basic":
        raise UserError(
            f"sweep.zip and sweep.exclude choose among combinations; hydra/sweeper="
            f"{sweep.sweeper} makes none."
        )
    from hydra_plugins.aa_slurm.sweeper import TARGET, register  # deferred: it imports sweeps

    register()
    return [f"hydra.sweeper._target_={TARGET}"]


def finish(sweep: Sweep) -> int:
    """Say what became of the jobs, write the report; return the exit code."""
    from aa.reports.report import write_report  # deferred: draws

    ended = {name: (state(folder), read_outcome(folder)) for name, folder in sweep.asked().items()}
    states = [state for state, _ in ended.values()]
    known = (DONE, FAILED, INTERRUPTED, RUNNING, WAITING)
    said = [f"{states.count(s)} {s}" for s in known if s in states]
    report = write_report([Path(sweep.folder)])
    print(f"{len(states)} jobs: {', '.join(said)}")
    failures = {n: outcome for n, (s, outcome) in ended.items() if s == FAILED and outcome}
    for name, outcome in failures.items():
        print(one_line(f"error: {name}: {outcome['error']}"), file=sys.stderr)
    print(f"report:     {printable(report)}")
    if states.count(DONE) < len(states):
        words = [f"sweep.resume={sweep.folder}", *option_words(given_options(sweep.options))]
        again = f"{runner_command(os.path.relpath(sweep.runner))} {shlex.join(words)}"
        print(f"go on with: {printable(again)}")
    codes = [outcome["code"] or FIRST_ERROR for outcome in failures.values()]
    return codes[0] if codes else STOPPED * (states.count(DONE) < len(states))

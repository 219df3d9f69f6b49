"""`resume=`: the arguments that resume a stopped run."""

import re
from pathlib import Path
from typing import Any

from aa.cli.recorded import RecordedRun, compose, given_folder, given_options, split_options
from aa.config.overrides import normalise_overrides
from aa.config.texts import literal
from aa.errors import UserError
from aa.plain import printable
from aa.runs.links import check_free_of_links, check_own
from aa.runs.lock import check_free, is_held
from aa.runs.resume import decisive_changes, has_begun, locate
from aa.runs.snapshots import read_snapshot

AUTO = "auto"
FORGOTTEN = ("resume", "resume_with_changes", "poses_only")
OWN = re.compile(r"\+{0,2}(resume|resume_with_changes|hydra\.run\.dir)=")


def check_given_folder(
    arguments: list[str], schema: type, *, runner: str | Path, resumable: bool
) -> None:
    """Refuse a run folder that is in use, or holds a run, before Hydra writes into it.

    Args:
        arguments: of the command, options first.
        schema: dataclass of the primary config.
        runner: the runner's path.
        resumable: whether its runs can be resumed.

    Raises:
        UserError: it is; the message says how to go on.
    """
    folder = given_folder(arguments, r"hydra\.run\.dir")
    if folder is None or not folder.is_dir():
        return
    begun = has_begun(folder)
    check_own(folder) if begun else check_free_of_links(folder)
    if not (begun or is_held(folder)):
        return
    hardware = _hardware(arguments, schema, runner)
    if hardware.get("node_rank", 0) > 0:  # the first host's command writes
        return
    try:
        check_free(folder)
    except UserError as error:
        if hardware.get("nodes", 1) == 1:
            raise
        raise UserError(
            f"{error} If that is a host of this very run, two hosts call themselves node 0: give "
            "each its own hardware.node_rank."
        ) from error
    if begun and not given_folder(arguments, "resume"):
        advice = f", or go on with it: resume={folder}" if resumable else ""
        raise UserError(
            f"{folder}: holds a run already; choose another hydra.run.dir=<folder>{advice}."
        )


def resume_arguments(arguments: list[str], schema: type, *, runner: str | Path) -> list[str]:
    """Of `resume=<run folder>`, `<checkpoint folder>` or `auto`: options and overrides to resume.

    A run folder's own overrides are taken, then what is given beside it. `auto` takes the command
    as it is, and resumes if hydra.run.dir= holds a run that has begun.

    Args:
        arguments: of the command, options first.
        schema: dataclass of the primary config.
        runner: the runner's path.

    Raises:
        UserError: there is no such run, or settings that decide its result have changed.
    """
    asked = given_folder(arguments, "resume")
    if asked is None:
        return arguments
    words, given = split_options(arguments)
    own, started = normalise_overrides([a for a in given if not OWN.match(a)]), []
    if str(asked) == AUTO:
        asked = run = _fixed_folder(given)
        if not has_begun(run):
            return [a for a in arguments if not OWN.match(a) or "run.dir" in a]
        check_own(run)
        recorded, snapshot = None, read_snapshot(run)
    else:
        run, _, _ = locate(asked)
        recorded = RecordedRun(run, key="resume", runner=runner)
        snapshot = recorded.snapshot
    options = given_options(words)
    if recorded:
        started = recorded.overrides(schema, words, own, forget=FORGOTTEN)
    try:
        if recorded:
            kept, _ = recorded.keep(compose(options, started, schema, runner))
            started = _without([*started, *_outside(kept, own)], own)
        composed = compose(options, [*started, *own], schema, runner)
    except UserError as error:
        raise UserError(f"resume={asked}: {error}") from error
    then = snapshot.get("config", {})
    _check_changes(decisive_changes(then, composed), composed, asked, given)
    where = [f"resume={literal(str(asked))}", f"hydra.run.dir={literal(str(run))}"]
    where.append("hydra.output_subdir=null")  # what Hydra wrote at the start stays
    return [*words, *started, *own, *where]


def _hardware(arguments: list[str], schema: type, runner: str | Path) -> dict[str, Any]:
    """The group `hardware` that arguments make; nothing where they make no config."""
    words, overrides = split_options(arguments)
    try:
        config = compose(given_options(words), normalise_overrides(overrides), schema, runner)
    except UserError:
        return {}  # Hydra will say so
    return config.get("hardware", {})


def _without(overrides: list[str], others: list[str]) -> list[str]:
    """The overrides of keys that no other one sets."""
    keys = {other.partition("=")[0].lstrip("+") for other in others}
    return [o for o in overrides if o.partition("=")[0].lstrip("+") not in keys]


def _outside(overrides: list[str], others: list[str]) -> list[str]:
    """The overrides of keys that are in no group that another one chooses."""
    chosen = {other.partition("=")[0].lstrip("+").replace("/", ".") for other in others}
    return [o for o in overrides if not any(o.startswith(f"{group}.") for group in chosen)]


def _fixed_folder(given: list[str]) -> Path:
    folder = given_folder(given, r"hydra\.run\.dir")
    if folder is None:
        raise UserError(
            "resume=auto goes on in the same folder every time: add hydra.run.dir=<folder>."
        )
    return folder


def _check_changes(
    changes: list[tuple[str, Any, Any]], composed: dict[str, Any], asked: Path, given: list[str]
) -> None:
    """Refuse what would make the run another one, unless that is requested."""
    listed = "; ".join(f"{key} {literal(then)} -> {literal(now)}" for key, then, now in changes)
    hardware = composed.get("hardware", {})
    single = hardware.get("devices", 1) * hardware.get("nodes", 1) == 1
    splits = hardware.get("sharding", {}).get("level", "none") != "none"
    alone = " hardware/sharding=none" if single and splits else ""  # nothing to split over
    if changes and not any(re.match(r"resume_with_changes=true$", a, re.I) for a in given):
        raise UserError(
            f"resume={asked}: these settings decide the result and are others now: {listed}. Go "
            f"on with the run's own, or with these: add resume_with_changes=true{alone}."
        )
    if changes:
        print(f"resumed with changes: {printable(listed)}")

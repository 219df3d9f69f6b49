"""Resuming a stopped run: what may change, and which checkpoint is valid."""

import hashlib
import itertools
import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from aa.config.hardware import PRECISIONS
from aa.config.published import PublishedSize
from aa.errors import UserError
from aa.runs.differences import ABOUT_HOSTS, ABSENT, changed_leaves, flat, without_runs
from aa.runs.layout import BEST, CHECKPOINTS, SNAPSHOTS, STAGES, checkpoint_step, list_checkpoints
from aa.runs.links import check_own
from aa.runs.sealing import fault_in, read_manifest, remove_leftovers

log = logging.getLogger(__name__)

SET_ASIDE = "set_aside"
# Settings that change no number of a training: they may have changed when it resumes.
NOT_DECISIVE = {
    "name",
    *ABOUT_HOSTS,
    "hardware.memory_gb",
    "hardware.bandwidth_gb",
    *(f"hardware.peak_tflops.{precision}" for precision in PRECISIONS),
    "data.num_workers",
    "data.cache_gb",
    "data.latents",
    "data.skip_bad",  # the numbers of who continues where the other stops
    "data.generate.folder",
    *("preview_every", "poses.cache_dir"),
}
# Others follow these, which are compared.
NOT_DECISIVE |= {f"model.{whose}_weights" for whose in ("base", "released", "motion")}
NOT_DECISIVE |= {
    f"{group}.{key}"
    for group in ("hardware.published_clip", "stage.published_size", "next_stage.published_size")
    for key in PublishedSize.__dataclass_fields__
}
NOT_DECISIVE |= {f"validation.{key}" for key in ("steps", "metrics", "keep_best")}
NOT_DECISIVE |= {
    f"{stage}.{key}"
    for stage in ("stage", "next_stage")
    for key in ("save_steps", "save_total_limit", "log_steps", "sample_steps")
}


def decisive_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(dotted key, old value, new value) of what two configs (plain values) decide differently."""
    leaves = changed_leaves(without_runs(old), without_runs(new))
    # A key that was not there when the run was made is of newer code: its default is as before.
    return [leaf for leaf in leaves if leaf[0] not in NOT_DECISIVE and leaf[1] is not ABSENT]


def decisive_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 of the values of a config (plain ones) that decide its result."""
    values = flat(without_runs(config))
    kept = {key: value for key, value in values.items() if key not in NOT_DECISIVE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def locate(path: str | Path) -> tuple[Path, Path | None, int | None]:
    """(run folder, its part with the checkpoint, step) of what `resume=` names.

    Args:
        path: a run folder, or one of its checkpoints; of a run folder, part and step are None.

    Raises:
        UserError: the link to the best checkpoint leads elsewhere.
    """
    path = Path(path)
    if path.name == BEST and path.parent.name == CHECKPOINTS:
        path = _best(path) or path
    if path.parent.name != CHECKPOINTS or checkpoint_step(path) is None:
        return path, None, None
    part = path.parent.parent
    return run_folder(part), part, checkpoint_step(path)


def _best(link: Path) -> Path | None:
    """The checkpoint that `checkpoints/best` is, or is a copy of; None where it is neither."""
    if link.is_symlink():
        check_own(link.parent)
        return link.parent / link.readlink()
    with suppress(OSError, UserError, KeyError):
        twin = link.parent / f"step-{read_manifest(link).get('step', 0):06d}"
        return twin if twin.is_dir() else None
    return None


def run_folder(part: Path) -> Path:
    """The run that the folder of a stage belongs to: that folder itself, or the one above it."""
    return part.parent if part.name in STAGES and (part.parent / ".hydra").is_dir() else part


def has_begun(run: str | Path) -> bool:
    """Return whether a run folder holds a run that got as far as its snapshot."""
    return any(os.path.lexists(Path(run) / name) for name in SNAPSHOTS)


def has_checkpoint(run: str | Path) -> bool:
    """Return whether a run, or one of its stages, has been saved."""
    return any(list_checkpoints(Path(run) / part) for part in ("", *STAGES))


def repair(resume: str | Path) -> None:
    """Make a run folder fit to resume: delete what is half-done, quarantine invalid checkpoints.

    Every part's newest checkpoint is compared with its manifest, and the one before if it is not
    what was written. Of a checkpoint folder, the later ones are quarantined.

    Args:
        resume: what `resume=` names; nobody else writes there.

    Raises:
        UserError: the next stage has begun from what would be done again, or no such checkpoint.
    """
    run, chosen, step = locate(resume)
    if chosen and not Path(resume).is_dir():
        raise UserError(f"resume={resume}: no such checkpoint.")
    if chosen and chosen.name == STAGES[0] and (run / STAGES[1]).is_dir():
        raise UserError(
            f"resume={resume}: {run / STAGES[1]} has begun from the end of this stage; move that "
            f"folder away first, or start a new run with stage.init_from={resume}."
        )
    for path in remove_leftovers(run):
        log.info("deleted %s, which a stopped process had left half-done", path)
    for part in (run, *(run / name for name in STAGES)):
        _tidy_best(part / CHECKPOINTS / BEST)
        _keep_sound(part, step if part == chosen else None)


def _tidy_best(best: Path) -> None:
    """Delete or quarantine what a copy of the run that followed links made of that to the best."""
    if best.is_symlink() or not best.is_dir():
        return
    twin = _best(best)
    if twin and read_manifest(best) == read_manifest(twin):
        log.info("%s was a link to %s and is a copy: deleted", best, twin.name)
        shutil.rmtree(best)
    else:
        log.warning("%s is no link to a checkpoint: set aside", best)
        _set_aside(best)


def _keep_sound(part: Path, step: int | None) -> None:
    """Quarantine what is later than `step`, or invalid, before the newest valid checkpoint."""
    unsound = {}
    for checkpoint in reversed(list_checkpoints(part)):
        later = step is not None and cast(int, checkpoint_step(checkpoint)) > step
        reason = "is later than the one asked for" if later else fault_in(checkpoint)
        if reason is None:
            break
        unsound[checkpoint] = reason
    else:
        if unsound:
            listed = "; ".join(f"{path.name}: {reason}" for path, reason in unsound.items())
            raise UserError(
                f"{part}: none of its checkpoints is sound: {listed}. Nothing was changed. Start a "
                f"new run, with stage.init_from={part} if the weights themselves can be read."
            )
    for checkpoint, reason in unsound.items():
        log.warning("%s: %s; it is set aside, the one before is used", checkpoint, reason)
        (part / "summary.json").unlink(missing_ok=True)  # no longer finished
        _set_aside(checkpoint)


def _set_aside(checkpoint: Path) -> None:
    home = checkpoint.parent / SET_ASIDE
    home.mkdir(exist_ok=True)
    numbered = (home / f"{checkpoint.name}-{number}" for number in itertools.count(1))
    names = itertools.chain([home / checkpoint.name], numbered)
    os.rename(checkpoint, next(name for name in names if not name.exists()))

"""A checkpoint under a name of its own: `models/<name>`, which knows where it comes from."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from aa.errors import UserError, one_line
from aa.files import missing, open_inside, write_json
from aa.runs.jobs import run_at
from aa.runs.kinds import Count, Line, Name
from aa.runs.layout import METRICS, STAGES, checkpoint_step, list_checkpoints
from aa.runs.lines import is_number
from aa.runs.links import check_own
from aa.runs.lock import held_briefly
from aa.runs.metrics import job_metrics
from aa.runs.reading import find_record
from aa.runs.resume import locate
from aa.runs.sealing import fault_in, partial_folder, read_manifest, seal
from aa.runs.tolerant import TolerantReader

MODELS, SOURCE, LOCK = "models", "source.json", ".promote.lock"
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)


class Source(TypedDict, total=False):
    """`source.json` of a named model: the checkpoint that it was."""

    run: Line
    checkpoint: Line
    step: Count
    scores: dict[Name, float]
    promoted: float


def promote(path: str | Path, name: str, *, models: str | Path = MODELS) -> tuple[Path, Source]:
    """Give a checkpoint a name: its weights as they are, whole or not at all, and their source.

    The files are hard links where they are ours and on the same disk, else copies: the run may be
    removed.

    Args:
        path: a checkpoint, or a run: of that the newest, as `weights=` takes it.
        name: a new one, of the folder below `models`.

    Returns:
        the model's folder, and what it keeps of its source.

    Raises:
        UserError: there is no such checkpoint, it is not whole, or the name is taken or none.
        OSError: it cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"{one_line(name)!r}: a model's name has letters, digits and . _ -, begins with one of "
            "the first two, and is at most 100 long."
        )
    checkpoint, target = checkpoint_at(path), Path(models) / name
    check_own(checkpoint)
    if fault := fault_in(checkpoint):
        raise UserError(f"{checkpoint}: is not whole ({fault}); promote another checkpoint.")
    source = _source(checkpoint)
    Path(models).mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        print(one_line(f"{models}: {text}"), flush=True)

    with held_briefly(Path(models) / LOCK, say=say):
        if os.path.lexists(target):
            raise UserError(f"{target}: is there already; choose another name, or remove it first.")
        _fill(checkpoint, target, source)
    return target, source


def checkpoint_at(path: str | Path) -> Path:
    """The checkpoint that a path names; of a run the newest of its last stage that has one.

    Raises:
        UserError: there is none.
    """
    run, part, step = locate(path)
    if part is not None:
        checkpoint = part / "checkpoints" / f"step-{step:06d}"
        if not checkpoint.is_dir():
            raise UserError(f"{path}: {missing(checkpoint, 'checkpoint')}; give one that is there.")
        return checkpoint
    run_at(path)  # refuses what is no run
    found = [list_checkpoints(run / stage) for stage in (*reversed(STAGES), "")]
    newest = next((checkpoints[-1] for checkpoints in found if checkpoints), None)
    if newest is None:
        raise UserError(f"{path}: has no checkpoint; give a training that has saved one.")
    return newest


def read_source(model: str | Path) -> Source | None:
    """The source of a named model; None of a folder that is none.

    Raises:
        UserError: it is damaged.
    """
    return find_record(model, SOURCE, Source)


def find_models(models: str | Path) -> Iterator[Path]:
    """Yield the folders of named models; links are not followed."""
    if Path(models).is_dir():
        with os.scandir(models) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        for name in sorted(names):
            if not name.startswith(".") and (Path(models) / name / SOURCE).is_file():
                yield Path(models) / name


def _source(checkpoint: Path) -> Source:
    run = run_at(checkpoint)
    return Source(
        run=os.path.abspath(run),
        checkpoint=os.path.abspath(checkpoint),
        step=checkpoint_step(checkpoint) or 0,
        scores=_scores(checkpoint, run),
        promoted=round(time.time(), 3),
    )


def _scores(checkpoint: Path, run: Path) -> dict[str, float]:
    """Loss and validation scores as recorded at a checkpoint's step; of the last one the test's."""
    found, step, part = {}, checkpoint_step(checkpoint) or 0, checkpoint.parents[1]
    for record in TolerantReader(part).lines(METRICS):
        if record["step"] <= step and is_number(record.get("loss")):
            found["train/loss"] = record["loss"]
        if record["step"] == step:
            found |= {k: v for k, v in record.items() if k.startswith("val/") and is_number(v)}
    if checkpoint == checkpoint_at(run):
        tested = {k: m.value for k, m in job_metrics(run).items() if k.startswith("test/")}
        found |= tested
    return found


def _fill(checkpoint: Path, target: Path, source: Source) -> None:
    partial, known = partial_folder(target), {}
    partial.mkdir()
    try:
        for name, entry in read_manifest(checkpoint)["files"].items():
            if "/" not in name and _take(checkpoint, name, partial / name):
                known[name] = entry
        write_json(partial / SOURCE, source)
        seal(partial, target, known=known, step=source.get("step", 0))
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, FileNotFoundError):
            raise UserError(f"{checkpoint}: has just been removed; promote another one.") from error
        raise


def _take(checkpoint: Path, name: str, target: Path) -> bool:
    """Link a file of a checkpoint, or copy it; return whether it is a link."""
    with open(open_inside(checkpoint, name), "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid == os.getuid():  # what is somebody else's may yet be written
            try:
                os.link(checkpoint / name, target, follow_symlinks=False)
                if os.path.samestat(os.lstat(target), status):
                    return True
                target.unlink()
            except OSError:  # another disk, or one without links
                target.unlink(missing_ok=True)
        with open(target, "xb") as copy:
            shutil.copyfileobj(file, copy, 2**24)
    return False

"""A folder that a run writes into holds its own files: nothing of it leads elsewhere."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from aa.errors import UserError, one_line
from aa.files import describe_link
from aa.runs.layout import BEST, CHECKPOINTS, STAGES, VISUALDL

STEP = re.compile(r"step-\d+")
SUBMISSION = re.compile(r"\.submission_file_\w+\.sh")
# Names that a run makes in its folder.
MADE = (".hydra", CHECKPOINTS, VISUALDL, "samples", "logs", "report", *STAGES)
HIDDEN_BEST = f".{BEST}.partial"  # a link on its way, see `aa.runs.best`


def check_own(folder: str | Path) -> None:
    """Refuse a folder of runs that holds a link, a pipe or a device, before it is written.

    Who writes through a link writes elsewhere. `checkpoints/best`, a link to a checkpoint beside
    it, is a run's own. The folder itself may be reached by links.

    Raises:
        UserError: names the first, and says what to do.
    """
    for path in _strangers(folder):
        if path.is_symlink():
            raise UserError(one_line(describe_link(path)))
        raise UserError(f"{one_line(path)}: is no file; remove it.")


def check_free_of_links(folder: str | Path) -> None:
    """Refuse a folder without a run in which a run would write through a link.

    Raises:
        UserError: as `check_own`.
    """
    for name in sorted(os.listdir(folder)):
        path = Path(folder) / name
        is_file = name.endswith((".log", ".lock", ".json", ".jsonl", ".partial"))
        if path.is_symlink() and (name in MADE or is_file):
            raise UserError(one_line(describe_link(path)))
        if name in MADE and path.is_dir():
            check_own(path)


def _strangers(folder: str | Path) -> Iterator[Path]:
    """Yield what below a folder is neither a folder nor a plain file nor a run's own link."""
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_symlink():
                    if not _is_own(Path(entry.path), folder):
                        yield Path(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    mode = entry.stat(follow_symlinks=False).st_mode
                    if not stat.S_ISREG(mode):
                        yield Path(entry.path)


def _is_own(path: Path, folder: str | Path) -> bool:
    """Return whether a link is one that nothing is written through, and that leads nowhere else.

    submitit leaves one to the script of each array of jobs, editors one that says who edits a file.
    """
    if path.parent.name == ".submitit" and SUBMISSION.fullmatch(path.name):
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    return _is_best(path) or (path.name.startswith(".#") and not path.exists())


def _is_best(path: Path) -> bool:
    """Return whether a link is that to the best checkpoint, which lies beside it."""
    named = path.name in (BEST, HIDDEN_BEST) and path.parent.name == CHECKPOINTS
    return named and bool(STEP.fullmatch(os.readlink(path)))

"""A folder that a run writes into holds its own files: nothing of it leads elsewhere. No paddle."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from aa.errors import UserError, one_line
from aa.files import describe_link
from aa.runs.layout import BEST, CHECKPOINTS

STEP = re.compile(r"step-\d+")
HIDDEN_BEST = f".{BEST}.partial"  # a link on its way, see `aa.best`


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


def _strangers(folder) -> Iterator[Path]:
    """What below a folder is neither a folder nor a plain file nor a run's own link."""
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_symlink():
                    if not _is_best(Path(entry.path)):
                        yield Path(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    mode = entry.stat(follow_symlinks=False).st_mode
                    if not stat.S_ISREG(mode):
                        yield Path(entry.path)


def _is_best(path):
    """Whether a link is that to the best checkpoint, which lies beside it."""
    named = path.name in (BEST, HIDDEN_BEST) and path.parent.name == CHECKPOINTS
    return named and bool(STEP.fullmatch(os.readlink(path)))

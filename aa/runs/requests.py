"""Requests to a training that runs: `request.json` in its folder, read between its steps."""

import logging
import os
import stat
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypedDict

from msgspec import Meta

from aa.errors import UserError, one_line, reason, some
from aa.files import NoPlainFileError, missing, write_json
from aa.runs.kinds import Name
from aa.runs.lock import COMMAND, held_briefly, is_held
from aa.runs.reading import RecordError, find_record, read_record

log = logging.getLogger(__name__)

REQUEST, TAKEN, LOCK = "request.json", ".request.taken", ".request.lock"
SAVE, STOP, VALIDATE, SAMPLE = ASKED = ("save", "stop", "validate", "sample")
MOST = 10_000  # bytes
_alone = threading.Lock()  # the system's locks keep processes apart, not threads of one


class Request(TypedDict):
    """`request.json`."""

    ask: Annotated[list[Name], Meta(max_length=100)]


def ask(folder: str | Path, wishes: Iterable[str]) -> None:
    """Leave requests to the training that writes a run folder, beside those it has not read yet.

    Args:
        folder: the run folder.
        wishes: some of `ASKED`.

    Raises:
        UserError: one is unknown, or nobody writes the folder.
    """
    folder, wishes = Path(folder), list(wishes)
    if unknown := [wish for wish in wishes if wish not in ASKED]:
        raise UserError(
            f"{one_line(unknown[0])}: a training is asked for {', '.join(ASKED[:-1])} or "
            f"{ASKED[-1]}."
        )
    if not is_held(folder):
        raise UserError(f"{folder}: is not running, so nobody would answer.")

    def say(text: str) -> None:
        print(one_line(f"{folder / REQUEST}: {text}"), flush=True)

    with _alone, held_briefly(folder / LOCK, say=say):
        waiting: list[str] = []
        with suppress(RecordError):  # the training has named what is damaged
            waiting = (find_record(folder, REQUEST, Request) or Request(ask=[]))["ask"]
        write_json(folder / REQUEST, Request(ask=list(dict.fromkeys([*waiting, *wishes]))))


class Mailbox:
    """The requests to a training, as its main process reads them: one look at the disk a step.

    What is unknown or damaged is named once and ignored. A request that is older than the command
    which holds the folder was for an earlier one.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.path = Path(folder), Path(folder) / REQUEST
        self._ignored: tuple[int, int, int] | None = None  # which file was named

    def take(self) -> list[str]:
        """The requests that are new, in order; they are answered by whoever takes them."""
        try:
            status = os.lstat(self.path)
        except OSError:
            return []
        mark = status.st_ino, status.st_mtime_ns, status.st_size
        if mark == self._ignored:
            return []
        try:
            wishes = self._read(status)
        except (UserError, OSError) as error:
            said = f"{self.path}: {reason(error.__cause__)}" if error.__cause__ else error
            log.warning("request left out: %s", one_line(said))
            self._ignored = mark
            return []
        if unknown := [one_line(wish) for wish in wishes if wish not in ASKED]:
            log.warning("request left out: %s is none of %s", some(unknown), ", ".join(ASKED))
        if status.st_mtime < self._started():
            log.warning("request left out: %s is older than this start", ", ".join(wishes))
            return []
        return [wish for wish in dict.fromkeys(wishes) if wish in ASKED]

    def _read(self, status: os.stat_result) -> list[str]:
        """Take the file away and return what it asks for; what is damaged stays."""
        if not stat.S_ISREG(status.st_mode):
            raise NoPlainFileError(f"{self.path}: {missing(self.path, 'file')}; remove it.")
        if status.st_size > MOST:
            raise UserError(f"{self.path}: has {status.st_size} bytes, at most {MOST} are read.")
        read_record(self.folder, REQUEST, Request)
        os.replace(self.path, self.folder / TAKEN)  # one that was added to meanwhile, whole
        try:
            return read_record(self.folder, TAKEN, Request)["ask"]
        finally:
            (self.folder / TAKEN).unlink(missing_ok=True)

    def _started(self) -> float:
        """When the command began, by the clock of the disk; 0 where nobody holds the folder."""
        try:
            return os.lstat(self.folder / COMMAND).st_mtime
        except OSError:
            return 0.0

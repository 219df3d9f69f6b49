"""The queue: a file for each job, an ordinary command for each file, one after the other.

Nothing of it is in memory alone. A job that runs holds `<number>.lock`; the system says which
process that is, whoever started it, and lets go however it ends. How it ended is in its run folder.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from aa.errors import UserError
from aa.files import write_json
from aa.runs.kinds import Line, Name, Whole
from aa.runs.layout import OUTCOME
from aa.runs.lock import holder_of
from aa.runs.outcomes import FAILED, INTERRUPTED, RUNNING, WAITING, read_outcome
from aa.runs.reading import find_record
from aa.runs.words import error_line

STOPPED = "stopped"  # by who looks at the page
STARTS = 5  # of a job that ends without a word: killed, or the machine went down
TAKEN = 75  # exit code of a process that somebody else runs the job instead of


class Record(TypedDict, total=False):
    """A file of the queue. `code` is what its command ended with, as its server has seen it."""

    title: Line
    runner: Name
    arguments: list[Line]
    folder: Line
    place: float
    stopped: bool
    code: Whole | None


@dataclass(frozen=True)
class Job:
    """A job as its files tell.

    Attributes:
        number: that it is called by.
        path: its file without an ending.
        record: see `Record`; whole.
        process: that runs it, or None.
        starts: how often it was started.
    """

    number: int
    path: Path
    record: Record
    process: int | None
    starts: int

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return Path(self.record.get("folder", ""))

    @property
    def state(self) -> str:
        """A state of a run, or STOPPED."""
        if self.process is not None:
            return RUNNING
        if self.starts and (state := self._ended()):
            return state
        if self.record.get("stopped"):
            return STOPPED
        if self.record.get("code") or self.starts >= STARTS:
            return FAILED
        return INTERRUPTED if self.starts else WAITING

    @property
    def error(self) -> str | None:
        """Why it failed, in a line."""
        outcome = read_outcome(self.folder)
        if outcome and outcome["error"]:
            return outcome["error"]
        with suppress(OSError, UserError):
            if line := error_line(self.path.with_suffix(".log")):
                return line
        return f"it was started {self.starts} times, and ended without a word"

    def _ended(self) -> str | None:
        """DONE or FAILED if its run has ended by itself since its last start."""
        with suppress(OSError):
            begun = os.stat(self.path.with_suffix(".starts")).st_mtime_ns
            if os.stat(self.folder / OUTCOME).st_mtime_ns >= begun:
                return (read_outcome(self.folder) or {}).get("state")
        return None


class Queue:
    """The jobs in a folder. One server at a time changes them; their commands only lock and log.

    Args:
        home: the folder, made if it is not there.
        outputs: the folder that new run folders are made below.
    """

    def __init__(self, home: Path, outputs: Path) -> None:
        self.home, self.outputs = home, outputs
        self.home.mkdir(parents=True, exist_ok=True)
        self._alone = threading.RLock()

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they are to be started."""
        return sorted(self._read(), key=lambda job: (job.record.get("place", 0.0), job.number))

    def job(self, number: object) -> Job:
        """A job by its number.

        Raises:
            UserError: there is none.
        """
        is_one = type(number) is int and 0 < number < 10**6
        job = self._job(self.home / f"{number:06d}") if is_one else None
        if job is None:
            raise UserError("there is no such job.")
        return job

    def new_folder(self, name: str) -> Path:
        """A new run folder, called like those of commands."""
        now = datetime.now()
        for number in range(1, 1000):
            more = f"-{number}" if number > 1 else ""
            folder = self.outputs / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}_{name}{more}"
            with suppress(FileExistsError):
                folder.mkdir(parents=True)
                return folder
        raise UserError("no new run folder can be made.")

    def add(self, title: str, runner: str, arguments: Sequence[str], folder: Path) -> Job:
        """Add a job behind all others.

        Args:
            title: for people.
            runner: name of the runner.
            arguments: of its command, without the run folder.
            folder: its run folder, which exists.
        """
        with self._alone:
            jobs = self.jobs()
            number = max((job.number for job in jobs), default=0) + 1
            last = max((job.record.get("place", 0.0) for job in jobs), default=0.0)
            record = Record(title=title, runner=runner, arguments=list(arguments))
            record |= Record(folder=str(folder), place=last + 1, stopped=False, code=None)
            write_json(self.home / f"{number:06d}.json", record)
            return self.job(number)

    def change(self, job: Job, **values: object) -> None:
        """Write other values into the file of a job."""
        with self._alone:
            record = {**self.job(job.number).record, **values}
            write_json(job.path.with_suffix(".json"), record)

    def move(self, job: Job, by: int) -> None:
        """Move a job that waits before the one in front of it (-1) or behind the next (1)."""
        with self._alone:
            places = [j for j in self.jobs() if j.state in (WAITING, INTERRUPTED, STOPPED)]
            at = next((n for n, j in enumerate(places) if j.number == job.number), None)
            if at is None or not 0 <= at + by < len(places):
                return
            rest = [j.record.get("place", 0.0) for j in places if j.number != job.number]
            before = rest[at + by - 1] if at + by > 0 else rest[0] - 2
            after = rest[at + by] if at + by < len(rest) else rest[-1] + 2
            self.change(job, place=(before + after) / 2)

    def stop(self, job: Job) -> None:
        """Stop a job: what it has finished stays, `resume` makes the rest. Twice: kill it."""
        with self._alone:
            again = bool(job.record.get("stopped"))
            self.change(job, stopped=True)
            process = holder_of(job.path.with_suffix(".lock"))
            if process is not None:
                with suppress(ProcessLookupError):
                    if again:
                        os.killpg(process, signal.SIGKILL)  # it leads a session of its own
                    else:
                        os.kill(process, signal.SIGTERM)

    def resume(self, job: Job) -> None:
        """Let a job that was stopped or failed wait for its turn again."""
        with self._alone:
            if job.process is None:
                job.path.with_suffix(".starts").unlink(missing_ok=True)
                self.change(job, stopped=False, code=None)

    def remove(self, job: Job) -> None:
        """Forget a job that does not run; its run folder stays."""
        with self._alone:
            if self.job(job.number).process is not None:
                raise UserError("stop this job first.")
            for ending in (".json", ".starts", ".log", ".lock"):
                job.path.with_suffix(ending).unlink(missing_ok=True)

    def _read(self) -> Iterator[Job]:
        for path in self.home.glob("[0-9]*.json"):
            if path.stem.isdecimal() and (job := self._job(path.with_suffix(""))):
                yield job

    def _job(self, path: Path) -> Job | None:
        """The job of a file; None where there is none that can be read."""
        try:
            record = find_record(self.home, f"{path.name}.json", Record)
        except (UserError, OSError):
            return None
        if not record or {"runner", "arguments", "folder"} - record.keys():
            return None
        starts = 0
        with suppress(OSError):
            starts = path.with_suffix(".starts").read_bytes().count(b"\n")
        return Job(int(path.name), path, record, holder_of(path.with_suffix(".lock")), starts)

"""Waiting for the jobs of a sweep that are in Slurm's queue."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aa.runs.kinds import Job
from aa.runs.layout import JOB
from aa.runs.lock import who_holds
from aa.runs.outcomes import read_outcome, write_outcome
from aa.runs.reading import read_record
from aa.runs.words import error_line
from aa.sweeps.limits import TimeLimit
from aa.sweeps.queue import Queued, queue_again, read_queue
from aa.sweeps.sweep import HELD, Sweep, wants_retry

LOOK_EVERY = 1.0  # seconds, at folders
SOON, SELDOM = 2.0, 30.0  # seconds between questions to the controller, at first and at last
LATE = 60.0  # seconds that an outcome may take to be seen, over a network file system
QUEUED_AGAIN = ("TIMEOUT", "PREEMPTED", "NODE_FAIL")  # where Slurm, or the job, did not do so
SURE = ("CANCELLED", *QUEUED_AGAIN)  # it cannot have come to its end
WRONG = ("FAILED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")


class SlurmJobs:
    """The jobs of a sweep on Slurm: those that have to run are queued, and all waited for.

    What a job's folder says counts: its outcome, and who holds it. The controller is asked only
    whether a job is still in its queue; while it gives no answer, all are.

    Args:
        sweep: of the jobs.
        names: of their folders.
        submit: function of names that queues these jobs and returns their ids.
        retries: how often a failed job is tried again.
        limit: of each.
        log: function of an id that returns the file of what a job prints outside its own output.
        ask, again: see `read_queue`, `queue_again`.
        say: called with a line.
        pause: called with seconds between looks.
    """

    def __init__(
        self,
        sweep: Sweep,
        names: Iterable[str],
        *,
        submit: Callable[[list[str]], list[str]],
        retries: int,
        limit: TimeLimit,
        log: Callable[[str], Path],
        ask: Callable[[], Mapping[str, Queued] | None] = read_queue,
        again: Callable[[str], bool] = queue_again,
        say: Callable[[str], object] = print,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.sweep, self.names = sweep, list(dict.fromkeys(names))
        self.submit, self.log, self.ask, self.again = submit, log, ask, again
        self.retries, self.limit, self.say, self.pause = retries, limit, say, pause
        self.folders = {name: Path(sweep.folder) / name for name in self.names}
        records = {name: read_record(folder, JOB, Job) for name, folder in self.folders.items()}
        self.ids: dict[str, Any] = {name: record.get("queued") for name, record in records.items()}
        self.seen: set[str] = set()  # in the queue, by this command
        self.gone: dict[str, float] = {}  # from the queue, since when
        self.said: dict[str, str] = {}  # what was reported of a job that waits
        self.silent = False  # the controller gives no answer

    def wait(self) -> None:
        """Queue what has to run, and come back when no job of these is left."""
        waiting, begun, next_question = self.names, time.monotonic(), 0.0
        while waiting:
            queue, now = None, time.monotonic()
            if now >= next_question:
                queue = self._ask()
                next_question = now + min(max((now - begun) / 20, SOON), SELDOM)
            waiting = [name for name in waiting if not self._has_ended(name, queue)]
            wanted = [name for name in waiting if self._is_wanted(name)]
            if wanted and queue is not None:
                self._submit(wanted)
            if waiting:
                self.pause(LOOK_EVERY)

    def _submit(self, names: list[str]) -> None:
        for name, number in zip(names, self.submit(names), strict=True):
            self.sweep.note(name, queued=number)
            self.ids[name] = number
            self.seen.add(name)
            self.say(f"{name}: is Slurm job {number}")

    def _ask(self) -> Mapping[str, Queued] | None:
        queue = self.ask()
        if queue is None and not self.silent:
            self.say("Slurm's controller gives no answer (squeue); waiting on")
        elif queue is not None and self.silent:
            self.say("Slurm's controller answers again")
        self.silent = queue is None
        return queue

    def _is_wanted(self, name: str) -> bool:
        """Return whether a job has to be queued: no queue has it, and nobody else is at it."""
        if self.ids[name]:
            return False
        holder = who_holds(self.folders[name]) or who_holds(self.folders[name], (HELD,))
        if holder:
            self._say_once(name, f"is being written by {holder}; waiting for it")
        elif self.said.pop(name, None):
            self.say(f"{name}: is free; it goes on")
        return not holder

    def _has_ended(self, name: str, queue: Mapping[str, Queued] | None) -> bool:
        """Return whether a job is over, given the queue if it has just been read."""
        folder, number = self.folders[name], self.ids[name]
        found = queue.get(number) if queue and number else None
        lives = found is not None and not found.ended
        if lives:
            self._look_at(name, found)
        if who_holds(folder):
            return False
        if read_outcome(folder) and not wants_retry(folder, self.retries):
            return True
        if lives or not number or queue is None:
            return False
        if name not in self.seen:  # of an earlier command: it has to be queued anew
            self.ids[name] = None
            return False
        state = found and found.state
        since = self.gone.setdefault(name, time.monotonic())
        is_sure = state in SURE or time.monotonic() - since >= LATE
        return is_sure and self._is_over(name, state)

    def _look_at(self, name, found):
        """Take note of a job that is in the queue."""
        if name not in self.seen:
            self.seen.add(name)
            self.say(f"{name}: is in the queue already, Slurm job {self.ids[name]}")
        self.gone.pop(name, None)
        waits = read_record(self.folders[name], JOB, Job).get("waits")
        if waits:
            self._say_once(name, waits)
        if found.on_hold:
            number = self.ids[name]
            line = f"is held in the queue ({found.reason}); `scontrol release {number}` lets it go"
            self._say_once(name, line)

    def _is_over(self, name: str, state: str | None) -> bool:
        """Say what became of a job that left the queue without an outcome; return whether it ended.

        Args:
            name: of its folder.
            state: that it ended in, None where the controller does not know it any more.
        """
        folder, number = self.folders[name], self.ids[name]
        stopped = read_record(folder, JOB, Job).get("stopped")
        if state == "TIMEOUT" and not read_outcome(folder):
            self.limit.note(self.sweep, folder)
        if read_outcome(folder):
            return True
        again = state in QUEUED_AGAIN or (state in WRONG and stopped)
        if again and self.again(number):
            self.sweep.note(name, stopped=False, counted=False)
            self.gone.pop(name, None)
            self.say(f"{name}: ended as {state}, Slurm job {number} is queued again")
            return False
        if state in WRONG and not stopped:
            self._fail(name, state)
            return True
        if state is None:
            line = f"has vanished: Slurm job {number} is in no queue, and left no outcome"
        elif state == "CANCELLED":
            line = f"was cancelled, Slurm job {number}"
        elif stopped:
            line = f"was stopped, Slurm job {number}"
        else:
            line = f"ended without an outcome; its words are in {self.log(number)}"
        self.say(f"{name}: {line}")
        return True

    def _fail(self, name: str, state: str) -> None:
        """Write the outcome of a job that ended before it could do so itself."""
        number = self.ids[name]
        file = self.log(number)
        reason = error_line(file) if file.is_file() else None
        error = f"Slurm job {number} ended as {state}{f': {reason}' if reason else ''}; see {file}"
        write_outcome(self.folders[name], error=error, code=1, seconds=0.0)

    def _say_once(self, name: str, line: str) -> None:
        if self.said.get(name) != line:
            self.said[name] = line
            self.say(f"{name}: {line}")

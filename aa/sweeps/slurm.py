"""Waiting for the jobs of a sweep that are in Slurm's queue. Imports no paddle."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from aa.lock import who_holds
from aa.outcomes import read_outcome, write_outcome
from aa.runs import read_json
from aa.sweeps.limits import end_without_progress
from aa.sweeps.queue import Queued, queue_again, read_queue
from aa.sweeps.sweep import HELD, JOB, Sweep, wants_retry
from aa.sweeps.words import error_line

LOOK_EVERY, ASK_EVERY = 1.0, 10.0  # seconds: at folders, and between questions to the controller
SURE_AFTER = 2  # answers without a job: its outcome may come late over a network file system
QUEUED_AGAIN = ("TIMEOUT", "PREEMPTED", "NODE_FAIL")  # where Slurm, or the job, did not do so
WRONG = ("FAILED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")


class SlurmJobs:
    """The jobs of a sweep on Slurm: those that are wanted are queued, and all waited for.

    What a job's folder says counts: its outcome, and who holds it. The controller is asked only
    whether a job is still in its queue; while it gives no answer, all are.

    Args:
        sweep: of the jobs.
        names: of their folders.
        submit: function of names that queues these jobs and returns their ids.
        retries: how often a failed job is tried again.
        minutes: that a job may take.
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
        minutes: int,
        log: Callable[[str], Path],
        ask: Callable[[], Mapping[str, Queued] | None] = read_queue,
        again: Callable[[str], bool] = queue_again,
        say: Callable[[str], object] = print,
        pause: Callable[[float], object] = time.sleep,
    ):
        self.sweep, self.names = sweep, list(dict.fromkeys(names))
        self.submit, self.log, self.ask, self.again = submit, log, ask, again
        self.retries, self.minutes, self.say, self.pause = retries, minutes, say, pause
        self.folders = {name: Path(sweep.folder) / name for name in self.names}
        records = {name: read_json(folder / JOB) for name, folder in self.folders.items()}
        self.ids = {name: record.get("queued") for name, record in records.items()}
        self.seen: set[str] = set()  # in the queue, by this command
        self.missed = dict.fromkeys(self.names, 0)  # answers without it, one after the other
        self.said: dict[str, str] = {}  # what was said of a job that waits
        self.silent = False  # the controller gives no answer

    def wait(self) -> None:
        """Queue what has to run, and come back when no job of these is left."""
        waiting, asked, queue = self.names, None, None
        while True:
            fresh = asked is None or time.monotonic() - asked >= ASK_EVERY
            if fresh and waiting:
                queue, asked = self._ask(), time.monotonic()
            waiting = [name for name in waiting if not self._has_ended(name, queue, fresh)]
            if not waiting:
                return
            wanted = [name for name in waiting if self._is_wanted(name)]
            if wanted:
                self._submit(wanted)
                asked = time.monotonic()
                queue = None
            self.pause(LOOK_EVERY)

    def _submit(self, names):
        for name, number in zip(names, self.submit(names), strict=True):
            self.sweep.note(name, queued=number)
            self.ids[name], self.missed[name] = number, 0
            self.seen.add(name)
            self.say(f"{name}: is Slurm job {number}")

    def _ask(self):
        queue = self.ask()
        if queue is None and not self.silent:
            self.say("Slurm's controller gives no answer (squeue); waiting on")
        elif queue is not None and self.silent:
            self.say("Slurm's controller answers again")
        self.silent = queue is None
        return queue

    def _is_wanted(self, name):
        """Whether a job has to be queued: no queue has it, and nobody else is at it."""
        if self.ids[name]:
            return False
        holder = who_holds(self.folders[name]) or who_holds(self.folders[name], (HELD,))
        if holder:
            self._say_once(name, f"is being written by {holder}; waiting for it")
        elif self.said.pop(name, None):
            self.say(f"{name}: is free; it goes on")
        return not holder

    def _has_ended(self, name, queue, fresh):
        folder, number = self.folders[name], self.ids[name]
        if who_holds(folder):
            return False
        if read_outcome(folder) and not wants_retry(folder, self.retries):
            return True
        if not number or queue is None or not fresh:
            return False
        found = queue.get(number)
        if found and not found.ended:
            self._look_at(name, found)
            return False
        if name not in self.seen:  # of an earlier command: it has to be queued anew
            self.ids[name] = None
            return False
        self.missed[name] += 1
        return self.missed[name] >= SURE_AFTER and self._is_over(name, found and found.state)

    def _look_at(self, name, found):
        """A job that is in the queue."""
        if name not in self.seen:
            self.seen.add(name)
            self.say(f"{name}: is in the queue already, Slurm job {self.ids[name]}")
        self.missed[name] = 0
        if found.on_hold:
            number = self.ids[name]
            line = f"is held in the queue ({found.reason}); `scontrol release {number}` lets it go"
            self._say_once(name, line)

    def _is_over(self, name, state):
        """Say what became of a job that has left the queue without an outcome; whether that is all.

        Args:
            name: of its folder.
            state: that it ended in, None where the controller does not know it any more.
        """
        folder, number = self.folders[name], self.ids[name]
        stopped = read_json(folder / JOB).get("stopped")
        if state == "TIMEOUT" and not read_outcome(folder):
            end_without_progress(self.sweep, folder, self.minutes)
        if read_outcome(folder):
            return True
        if state in QUEUED_AGAIN and self.again(number):
            self.missed[name] = 0
            self.say(f"{name}: was ended by Slurm ({state}), Slurm job {number} is queued again")
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

    def _fail(self, name, state):
        """Write the outcome of a job that ended before it could do so itself."""
        number = self.ids[name]
        file = self.log(number)
        reason = error_line(file) if file.is_file() else None
        error = f"Slurm job {number} ended as {state}{f': {reason}' if reason else ''}; see {file}"
        write_outcome(self.folders[name], error=error, code=1, seconds=0.0)

    def _say_once(self, name, line):
        if self.said.get(name) != line:
            self.said[name] = line
            self.say(f"{name}: {line}")

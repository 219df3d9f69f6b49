"""All mutants of one kind, spread over processes that are watched."""

import contextlib
import io
import os
import select
import signal
import tempfile
import time
from pathlib import Path

from aa.config.explain import explain
from aa.errors import UserError
from tests.fuzz import worker
from tests.fuzz.examine import WHERE
from tests.fuzz.place import Place
from tests.fuzz.tally import Tally
from tests.fuzz.verdict import FAILED, Fault, Verdict, ours, slow_place

# Seconds: of one mutant, whatever else the machine does; earlier, that it is asked where it is.
KILL_AFTER, ASK_BEFORE = 12.0, 1.0
LOOK_EVERY = 0.5  # seconds


class Campaign:
    """Tries mutants of one kind.

    Args:
        name, kind: of input.
        audit: the process's `Audit`.
        processes: how many workers at a time.
        told: called with (source, place, verdict, the groups of its faults) of every mutant that
            has any.
        progress: called with the tally now and then.
    """

    def __init__(self, name, kind, audit, *, processes, told, progress=lambda tally: None):
        self.name, self.kind, self.audit = name, kind, audit
        self.processes, self.told, self.progress = processes, told, progress
        self.tally = Tally(name)

    def prepare(self):
        """Learn what our own code does with honest inputs, and with those that are cut short.

        Raises:
            AssertionError: an honest input is not read.
        """
        self.kind.prepare()
        with _new_home() as home, _silence(), _same_world():
            place = Place(home)
            place.enter()
            self.audit.learn()
            try:
                explain(UserError("\x1b"), None)
                for mutant in self.kind.honest():
                    place.fill(self.kind.files_for(mutant))
                    self.kind.targets[mutant.target](place.sandbox)
                for mutant in self.kind.rough():
                    place.fill(self.kind.files_for(mutant))
                    with contextlib.suppress(Exception):
                        self.kind.targets[mutant.target](place.sandbox)
            finally:
                self.audit.disarm()

    def run(self, source, *, seconds=float("inf")):
        """Try the mutants of a source, as many as there is time for."""
        begun = time.monotonic()
        spent, deadline = self.tally.seconds, begun + seconds
        with _new_home() as home:
            slots = [
                _Slot(self, source, range(n, len(source), self.processes), Path(home), deadline)
                for n in range(min(self.processes, len(source)))
            ]
            try:
                while any(slot.is_running for slot in slots):
                    pipes = {slot.pipe: slot for slot in slots if slot.is_running}
                    for pipe in select.select(list(pipes), [], [], LOOK_EVERY)[0]:
                        pipes[pipe].listen()
                    for slot in slots:
                        slot.look()
                    self.tally.seconds = spent + time.monotonic() - begun
                    self.progress(self.tally)
            finally:
                for slot in slots:
                    slot.end()

    def note(self, source, place, verdict):
        """Count the verdict about a mutant."""
        groups = self.tally.add(verdict)
        if groups:
            self.told(source, place, verdict, groups)


class _Slot:
    """The place of one worker; when it ends before its numbers do, another one goes on."""

    def __init__(self, campaign, source, numbers, home, deadline):
        self.campaign, self.source, self.numbers = campaign, source, numbers
        self.home, self.deadline, self.starts = home / str(numbers.start), deadline, 0
        self.worker, self.asked = None, 0.0  # asked: of the mutant begun at this time
        self._start()

    @property
    def is_running(self):
        return self.worker is not None

    @property
    def pipe(self):
        return self.worker.pipe

    def _start(self):
        if not self.numbers or time.monotonic() > self.deadline:
            return
        self.starts += 1
        home = Path(f"{self.home}-{self.starts}")
        kind, audit = self.campaign.kind, self.campaign.audit
        self.worker = worker.start(
            kind, self.source, self.numbers, audit, home, deadline=self.deadline
        )

    def listen(self):
        """Hear what the worker tells."""
        messages = self.worker.messages()
        for message in messages or ():
            if "broken" in message:
                raise RuntimeError(f"the harness itself: {message['broken']}")
            if "begin" in message:
                self.worker.current, self.worker.since = message["begin"], time.monotonic()
            else:
                self._done(Verdict.from_json(message["verdict"]))
        if messages is None:
            status = self._reap()
            if self.worker.current is not None:
                ended = f"exit code {os.waitstatus_to_exitcode(status)}"
                if os.WIFSIGNALED(status):
                    ended = signal.Signals(os.WTERMSIG(status)).name
                place = slow_place(Path(self.worker.stacks).read_text())
                fault = Fault("crash", f"the process ended: {ended}", f"{ended} at {place}")
                self._done(Verdict(FAILED, faults=[fault]))
            self.worker = None
            self._start()

    def look(self):
        """End the worker if its mutant takes too long."""
        if self.worker is None or self.worker.current is None:
            return
        seconds = time.monotonic() - self.worker.since
        if seconds > KILL_AFTER - ASK_BEFORE and self.asked != self.worker.since:
            self.asked = self.worker.since  # once: an answer in an odd moment may end the process
            os.kill(self.worker.pid, WHERE)
        if seconds > KILL_AFTER:
            place = slow_place(Path(self.worker.stacks).read_text())
            text = f"did not end in {KILL_AFTER:.0f} s: at {place}"
            self.end()
            self._done(Verdict(FAILED, faults=[Fault("slow", text, ours(place))]))
            self.worker = None
            self._start()

    def end(self):
        """End the worker now."""
        if self.worker is not None and self.worker.pipe >= 0:
            self.worker.kill()
            self._reap()

    def _reap(self):
        os.close(self.worker.pipe)
        self.worker.pipe = -1
        return os.waitpid(self.worker.pid, 0)[1]

    def _done(self, verdict):
        number, self.worker.current = self.worker.current, None
        self.numbers = range(number + self.numbers.step, self.numbers.stop, self.numbers.step)
        self.campaign.note(self.source, number, verdict)


def _new_home():
    """A temporary folder, in memory where there is such a place: it is filled for every mutant."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="fuzz_", dir=memory)


@contextlib.contextmanager
def _silence():
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


@contextlib.contextmanager
def _same_world():
    """Context after which folders and environment are as before."""
    folder, temporary, environment = os.getcwd(), tempfile.tempdir, dict(os.environ)
    try:
        yield
    finally:
        os.chdir(folder)
        tempfile.tempdir = temporary
        os.environ.clear()
        os.environ.update(environment)

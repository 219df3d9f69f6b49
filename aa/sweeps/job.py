"""One job of a sweep, in a separate process: whatever ends it, the sweep goes on."""

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from aa.config.overrides import OURS, as_given
from aa.config.texts import literal
from aa.errors import Interrupted, one_line
from aa.interrupts import wishes
from aa.processes import WARNING
from aa.runs.layout import JOB, NOTES
from aa.runs.lock import held_briefly, wait_until_free, who_holds
from aa.runs.metrics import job_metrics
from aa.runs.outcomes import DONE, FAILED, forget_outcome, read_outcome, write_outcome
from aa.runs.resume import has_begun
from aa.runs.told import tell_end
from aa.runs.words import last_error
from aa.sweeps.limits import TimeLimit
from aa.sweeps.process import Stopper, run_process
from aa.sweeps.sweep import HELD, Sweep, wants_retry

OUTPUT = "output.log"
# Exit codes of who was asked to stop: by SIGINT or SIGTERM, before it could hear of it or after.
STOPPED = (130, 143, -signal.SIGINT, -signal.SIGTERM)
OWN = re.compile(r"\+{0,2}sweep\.\w+=")
REPEATED = re.compile(r"\+{0,2}rerun=")


def run_job(config: DictConfig, *, resumable: bool) -> float | None:
    """Start, resume or skip the job that Hydra calls for; try again as often as requested.

    Args:
        config: of the job, without `hydra`.
        resumable: whether its run can be resumed; else it begins anew.

    Returns:
        the number that the sweep compares its jobs by; None where there is none.

    Raises:
        Interrupted: a signal came; the job was stopped, its last step saved.
    """
    return _Job(config, resumable).run()


class _Job:
    def __init__(self, config: DictConfig, resumable: bool) -> None:
        self.config, self.hydra, self.resumable = config, HydraConfig.get(), resumable
        self.sweep = Sweep.read(self.hydra.sweep.dir)
        self.folder = Path(self.hydra.runtime.output_dir)
        self.name, self.retries = self.folder.name, config.sweep.retries
        self.stopper = Stopper(alone=self.sweep.launcher == "BasicLauncher")

    def run(self) -> float | None:
        try:
            with self.stopper, self._held():
                return self._run()
        except Interrupted:
            warned = WARNING in wishes.came
            self.sweep.note(self.name, stopped=True)
            if warned and not self._goes_on():
                return None
            if warned:
                signal.raise_signal(WARNING)  # to who would have heard it: it queues the job again
            raise

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Let nobody else run the job until it has ended; a killed sweep's may still be saving."""
        waits = {"say": self._tell, "pause": self.stopper.pause}
        with held_briefly(self.folder / HELD, **waits):
            wait_until_free(lambda: who_holds(self.folder), **waits)
            yield

    def _run(self) -> float | None:
        facts = {"asked": self.sweep.started, "stopped": False, "waits": None, "counted": False}
        record = self.sweep.note(self.name, **facts)
        ended = read_outcome(self.folder)
        if ended and ended["state"] == DONE:
            self._say("is done already")
        while not ended or wants_retry(self.folder, self.retries):
            if self.sweep.is_stopped():
                return None
            if self.config.sweep.fail_fast and self.sweep.has_failed(but=self.name):
                self._say("not started, for another job has failed (sweep.fail_fast=true)")
                return None
            # A job that was only stopped has had no attempt.
            before = record.get("attempts", 0)
            attempts = before + (bool(ended) or not before)
            fresh = {"limit": None, "limits": 0} if ended else {}
            facts = {"attempts": attempts, "tried": self.sweep.started, **fresh}
            record = self.sweep.note(self.name, **facts)
            self.stopper.check()
            if self._attempt() in STOPPED:
                self._say("was stopped")
                self.sweep.note(self.name, stopped=True)
                return None
            ended = read_outcome(self.folder)
        return self._metric() if ended["state"] == DONE else None

    def _say(self, text: str) -> None:
        print(one_line(f"{self.name}: {text}"), flush=True)

    def _tell(self, text: str) -> None:
        """Say a line, and leave it where a command that waits for this job finds it."""
        self._say(text)
        self.sweep.note(self.name, waits=text)

    def _metric(self) -> float | None:
        found = job_metrics(self.folder).get(self.sweep.metric or "")
        return found and found.value

    def _goes_on(self) -> bool:
        """Return whether a job whose queue has ended it has anything to do if queued again."""
        limit = TimeLimit.of(self.hydra.launcher)
        if read_outcome(self.folder) is None and limit.has_come():
            limit.note(self.sweep, self.folder)
        return read_outcome(self.folder) is None or wants_retry(self.folder, self.retries)

    def _attempt(self) -> int:
        """Run one process; return its exit code. The outcome that it omits is written for it."""
        forget_outcome(self.folder)
        start, output = time.monotonic(), self.folder / OUTPUT
        environment = {**os.environ, "HYDRA_FULL_ERROR": str(int(self.sweep.full_error))}
        code = run_process(self._command(), output, environment, stopper=self.stopper)
        ended = read_outcome(self.folder)
        if self.stopper.stopped and ended and ended["state"] == FAILED:
            forget_outcome(self.folder)  # it failed amid being stopped: that says nothing of it
        self.stopper.check()
        if ended is None and code not in STOPPED:
            seconds = time.monotonic() - start
            error = last_error(output, code)
            shown = 128 - code if code < 0 else code or 1  # of a signal, as shells say it
            write_outcome(self.folder, error=error, code=shown, seconds=seconds)
            tell_end(self.config, self.folder, error=error, seconds=seconds)
        return code

    def _command(self) -> list[str]:
        """Command of a single run, in the folder of this job."""
        overrides = as_given(self.hydra.overrides)
        given = [o for o in overrides["hydra"] if not OURS.match(o)]
        given += [o for o in overrides["task"] if not OWN.match(o)]
        command = [sys.executable, self.sweep.runner, *self.sweep.options, *given]
        folder = literal(str(self.folder))
        if has_begun(self.folder) and self.resumable:
            again = [word for word in command if not REPEATED.match(word)]
            return [*again, f"resume={folder}"]  # what it repeats is recorded in the folder
        for left in self.folder.iterdir():  # half of what is made anew
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name not in (JOB, OUTPUT, HELD, NOTES):
                left.unlink()
        return [*command, *self._threads(), f"hydra.run.dir={folder}"]

    def _threads(self) -> list[str]:
        """The share of the cores that jobs beside each other have, unless it is given."""
        hardware, launcher = self.config.get("hardware"), self.hydra.launcher
        cores = len(os.sched_getaffinity(0))
        if self.sweep.launcher == "JoblibLauncher":
            jobs = launcher.n_jobs if launcher.n_jobs > 0 else max(1, cores + 1 + launcher.n_jobs)
            share = max(1, cores // jobs)
        else:
            share = launcher.get("cpus_per_task")
        if hardware is None or hardware.num_threads or not share:
            return []
        return [f"hardware.num_threads={max(1, share // hardware.devices)}"]

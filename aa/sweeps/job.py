"""One job of a sweep, in a process of its own: whatever ends it, the sweep goes on. No paddle."""

import os
import re
import shutil
import sys
import time
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from aa.arguments import OURS
from aa.errors import Interrupted
from aa.lock import held_briefly, is_held
from aa.outcomes import DONE, FAILED, forget_outcome, read_outcome, write_outcome
from aa.recorded import literal
from aa.resume import has_begun
from aa.runs import read_json, write_json
from aa.sweeps.metrics import job_metrics
from aa.sweeps.process import run_process
from aa.sweeps.sweep import JOB, Sweep
from aa.sweeps.words import last_error

OUTPUT, HELD = "output.log", ".job.lock"
STOPPED = (130, 143)  # exit codes of who was asked to stop: by SIGINT, by SIGTERM
OWN = re.compile(r"\+{0,2}sweep\.\w+=")
REPEATED = re.compile(r"\+{0,2}rerun=")
LOOK_EVERY = 1.0  # seconds, at a job that another process is at


def run_job(config, *, resumable):
    """Start, go on with or skip the job that Hydra calls for; try again as often as wanted.

    Args:
        config: of the job, without `hydra`.
        resumable: whether its run can be gone on with; else it begins anew.

    Returns:
        the number that the sweep compares its jobs by; None where there is none.

    Raises:
        Interrupted: a signal came; the job was stopped, its last step saved.
    """
    return _Job(config, resumable).run()


class _Job:
    def __init__(self, config, resumable):
        self.config, self.hydra, self.resumable = config, HydraConfig.get(), resumable
        self.sweep = Sweep.read(self.hydra.sweep.dir)
        self.folder = Path(self.hydra.runtime.output_dir)
        self.name, self.retries = self.folder.name, config.sweep.retries

    def run(self):
        with held_briefly(self.folder / HELD):  # until it has ended: nobody else runs this job
            self._wait()
            return self._run()

    def _run(self):
        record = {**read_json(self.folder / JOB), "asked": self.sweep.started}
        write_json(self.folder / JOB, record)
        ended = read_outcome(self.folder)
        if ended and ended["state"] == DONE:
            self._say("is done already")
        while not ended or (ended["state"] == FAILED and record["attempts"] <= self.retries):
            if self.sweep.is_stopped():
                return None
            if self.config.sweep.fail_fast and self.sweep.has_failed(but=self.name):
                self._say("not started, for another job has failed (sweep.fail_fast=true)")
                return None
            # What was only stopped has had no attempt.
            record["attempts"] += bool(ended) or not record["attempts"]
            write_json(self.folder / JOB, record | {"tried": self.sweep.started})
            if self._attempt() in STOPPED:
                self._say("was stopped")
                return None
            ended = read_outcome(self.folder)
        return self._metric() if ended["state"] == DONE else None

    def _say(self, text):
        print(f"{self.name}: {text}", flush=True)

    def _wait(self):
        """Until nobody else is at this job: what a killed sweep has started may still be saving."""
        if is_held(self.folder):
            self._say("is being written by another process; waiting for it")
        while is_held(self.folder):
            time.sleep(LOOK_EVERY)

    def _metric(self):
        found = job_metrics(self.folder).get(self.sweep.metric)
        return found and found.value

    def _attempt(self):
        """One process; its exit code. What it leaves unsaid is written for it."""
        forget_outcome(self.folder)
        start, output = time.monotonic(), self.folder / OUTPUT
        alone = self.sweep.launcher == "BasicLauncher"
        environment = {**os.environ, "HYDRA_FULL_ERROR": str(int(self.sweep.full_error))}
        code, stopped_by = run_process(self._command(), output, environment, alone=alone)
        if read_outcome(self.folder) is None and not stopped_by and code not in STOPPED:
            seconds = time.monotonic() - start
            error = last_error(output, code)
            shown = 128 - code if code < 0 else code or 1  # of a signal, as shells say it
            write_outcome(self.folder, error=error, code=shown, seconds=seconds)
        if stopped_by:
            raise Interrupted(stopped_by)
        return code

    def _command(self):
        """That of a single run, in the folder of this job."""
        given = [o for o in self.hydra.overrides.hydra if not OURS.match(o)]
        given += [o for o in self.hydra.overrides.task if not OWN.match(o)]
        command = [sys.executable, self.sweep.runner, *self.sweep.options, *given]
        folder = literal(str(self.folder))
        if has_begun(self.folder) and self.resumable:
            again = [word for word in command if not REPEATED.match(word)]
            return [*again, f"resume={folder}"]  # what it repeats is recorded in the folder
        for left in self.folder.iterdir():  # half of what is made anew
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name not in (JOB, OUTPUT, HELD):
                left.unlink()
        return [*command, *self._threads(), f"hydra.run.dir={folder}"]

    def _threads(self):
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

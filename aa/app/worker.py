"""The thread that starts the next job of the queue when none runs."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from aa.app.queue import INTERRUPTED, RUNNING, TAKEN, WAITING, Job, Queue
from aa.errors import UserError
from aa.files import unlinked
from aa.processes import HOME

log = logging.getLogger(__name__)

LOOK_EVERY = 0.3  # seconds
SIGNALLED = 128  # exit codes from here on: stopped, and to be resumed


class Worker(threading.Thread):
    """Starts jobs, one at a time, each in a session of its own: they outlive this process.

    Args:
        queue: of the jobs.
    """

    def __init__(self, queue: Queue) -> None:
        super().__init__(daemon=True, name="queue")
        self.queue = queue
        self._ended = threading.Event()
        self._child: tuple[Job, subprocess.Popen[bytes]] | None = None

    def run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            try:
                self.look()
            except (OSError, UserError) as error:  # a full disk: it may have room again
                log.error("the queue: %s", error)

    def end(self) -> None:
        """Start no more jobs; the one that runs goes on."""
        self._ended.set()

    def look(self) -> None:
        """Start the next job, if there is one and none runs."""
        if self._child and self._runs(*self._child):
            return
        jobs = self.queue.jobs()
        if any(job.state == RUNNING for job in jobs):
            return
        waiting = (job for job in jobs if job.state in (WAITING, INTERRUPTED))
        if job := next(waiting, None):
            self._child = job, start(job)

    def _runs(self, job: Job, process: subprocess.Popen[bytes]) -> bool:
        """Return whether the process of a job runs; note in its file how it ended."""
        code = process.poll()
        if code is None:
            return True
        self._child = None
        if 0 < code < SIGNALLED and code != TAKEN:
            self.queue.change(job, code=code)
        return False


def start(job: Job) -> subprocess.Popen[bytes]:
    """Start the command of a job."""
    log.info("job %d: %s", job.number, job.record.get("title", ""))
    with open(job.path.with_suffix(".log"), "ab", opener=unlinked) as output:
        return subprocess.Popen(
            [sys.executable, "-m", "aa.app.launcher", str(Path(job.path).absolute())],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def environment() -> dict[str, str]:
    """The environment of a process of ours, which finds this code from any folder."""
    paths = os.pathsep.join(filter(None, (str(HOME.parent), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"}

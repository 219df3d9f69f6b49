"""Jobs on the cores of this host, in processes of one thread each.

A video that kills its reader takes one process along, which is replaced; its job is tried once
more, and then lost.
"""

import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from aa.prepare.attempts import Outcome, attempt
from aa.processes import end_with_parent, undisturbed

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
TRIES = 2


class Workers:
    """An engine of processes, see `Engine`.

    Args:
        count: how many.
        output: file that takes what they print: libraries have much to say of damaged videos.
    """

    def __init__(self, count: int, output: Path) -> None:
        self.count, self.output = count, output

    def __call__(
        self, function: Callable[[Any], Any], jobs: Sequence[Any]
    ) -> Iterator[tuple[int, Outcome]]:
        """Yield (number of a job, what came of it) as they are done."""
        waiting = deque((number, 1) for number in range(len(jobs)))
        with self.output.open("ab") as output:
            workers = {w.line: w for w in self._start(function, len(jobs), output)}
            try:
                while workers:
                    for worker in [*workers.values()]:
                        if worker.job is None and waiting:
                            worker.begin(waiting.popleft(), jobs)
                    busy = [line for line, worker in workers.items() if worker.job is not None]
                    if not busy:
                        return
                    for line in wait(busy):
                        worker = workers[line]  # pyright: ignore[reportArgumentType]
                        (number, tries), outcome = worker.result()
                        if worker.dead:
                            del workers[worker.line]
                            fresh = _Worker(function, output)
                            workers[fresh.line] = fresh
                        if worker.dead and tries < TRIES:
                            waiting.appendleft((number, tries + 1))
                        else:
                            yield number, outcome
            finally:
                for worker in workers.values():
                    worker.end()

    def _start(self, function, num_jobs: int, output) -> list["_Worker"]:
        return [_Worker(function, output) for _ in range(min(self.count, num_jobs))]


class _Worker:
    """A process that does one job after another.

    Attributes:
        line: to it.
        job: (number, tries) of what it does, or None.
        dead: whether it has ended.
    """

    def __init__(self, function: Callable[[Any], Any], output) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())]
        paths = os.pathsep.join(path for path in sys.path if path)
        with theirs, undisturbed():
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the command, which ends this one
            )
        self.line, self.job, self.dead = Connection(ours.detach()), None, False
        self._send(function)

    def begin(self, job: tuple[int, int], jobs: Sequence[Any]) -> None:
        self.job = job
        self._send(jobs[job[0]])

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # it has ended, which `result` will see
            self.line.send(message)

    def result(self) -> tuple[tuple[int, int], Outcome]:
        """The job that it had and what came of it; waits for that."""
        job, self.job = self.job, None
        assert job is not None
        try:
            return job, self.line.recv()
        except (EOFError, OSError):
            self.dead = True
            code = self._process.wait()
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return job, Outcome(lost=f"the process that read it ended ({how})")

    def end(self) -> None:
        """End the process at once: what it writes is whole or not there."""
        self.line.close()
        self._process.kill()
        self._process.wait()


def main(descriptor: int, parent: int) -> None:
    """Do the jobs that come by a line until it is closed."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        return
    import cv2

    cv2.setNumThreads(1)
    line = Connection(descriptor)
    try:
        function = line.recv()
        while True:
            line.send(attempt(function, line.recv()))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

"""A process that becomes the command of a job: `python -m aa.app.launcher <its file>`.

It takes the job's lock before anything else and keeps it through `exec`: the lock is the system's
word that the job runs, whoever started it. Of two that try, one goes away.
"""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from aa.app.commands import words
from aa.app.queue import TAKEN, Record
from aa.files import unlinked
from aa.processes import FORWARDED
from aa.runs.reading import read_record


def main() -> None:
    path = Path(sys.argv[1])
    lock = open(path.with_suffix(".lock"), "a", opener=unlinked)  # noqa: SIM115 kept through exec
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(TAKEN)
    os.set_inheritable(lock.fileno(), True)
    job = read_record(path.parent, f"{path.name}.json", Record)
    if job.get("stopped"):
        sys.exit(TAKEN)
    with open(path.with_suffix(".starts"), "a", opener=unlinked) as starts:
        starts.write(f"{time.time()}\n")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)  # a server that was starting had not
    command = words(job.get("runner", ""), job.get("arguments", []))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()

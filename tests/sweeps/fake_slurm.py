"""Slurm's commands as far as sweeps use them, on this machine; the first argument says which.

FAKE_SLURM is a folder: a file a task, that says its state. Signals go to all processes of a step,
as with proctrack/linuxproc.
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

HOME = Path(os.environ["FAKE_SLURM"])
LIVE = ("PENDING", "RUNNING")
NOTHING = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)


@contextmanager
def task(number):
    """What is known of a task, to be changed by one process at a time."""
    with open(HOME / number, "r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        about = json.loads(file.read())
        yield about
        file.seek(0)
        file.truncate()
        file.write(json.dumps(about))


def sbatch(script):
    first = len(list(HOME.iterdir())) + 1
    array = re.search(r"--array=0-(\d+)", Path(script).read_text())
    count = int(array[1]) + 1 if array else 1
    for index in range(count):
        number = f"{first}_{index}" if array else str(first)
        (HOME / number).write_text(json.dumps({"state": "PENDING", "pid": None}))
        words = [sys.executable, __file__, "run", number, script]
        subprocess.Popen(words, start_new_session=True, **NOTHING)
    print(f"Submitted batch job {first}")


def run(number, script):
    """A task, as often as it is queued again."""
    first, _, index = number.partition("_")
    names = {"SLURM_JOB_ID": first}
    if index:
        names |= {"SLURM_ARRAY_JOB_ID": first, "SLURM_ARRAY_TASK_ID": index}
    while True:
        with task(number) as about:
            if about["state"] != "PENDING":
                return
            step = subprocess.Popen(["bash", script], env={**os.environ, **names})
            about.update(state="RUNNING", pid=step.pid)
        code = step.wait()
        with task(number) as about:
            if about["state"] == "RUNNING":
                about["state"] = "FAILED" if code else "COMPLETED"


def srun(*words):
    names = {"%A": "ARRAY_JOB_ID", "%a": "ARRAY_TASK_ID", "%j": "JOB_ID", "%t": "PROCID"}
    files = {}
    words = [*words]
    while words[0].startswith("--"):
        option = words.pop(0)
        if option in ("--output", "--error"):
            files[option] = words.pop(0)
    for option, name in files.items():
        for mark, key in names.items():
            name = name.replace(mark, os.environ.get(f"SLURM_{key}", "0"))
        files[option] = open(name, "a")  # noqa: SIM115 of the process that follows
    for number in (signal.SIGTERM, signal.SIGUSR2):
        signal.signal(number, lambda *_: None)  # they are for the step
    sys.exit(subprocess.call(words, stdout=files["--output"], stderr=files["--error"]))


def squeue(*_):
    for file in HOME.iterdir():
        with task(file.name) as about:
            print(f"{file.name}|{about['state']}|None")


def scontrol(verb, number):
    assert verb == "requeue", verb
    with task(number) as about:
        was, about["state"] = about["state"], "PENDING"
    if was in LIVE:
        tell(about["pid"], signal.SIGTERM)


def scancel(number, *options):
    sent = next((o.partition("=")[2] for o in options if o.startswith("--signal=")), None)
    with task(number) as about:
        if sent is None and about["state"] in LIVE:
            about["state"] = "CANCELLED"
    if about["pid"]:
        tell(about["pid"], getattr(signal, f"SIG{sent or 'TERM'}"))


def tell(pid, number):
    """Send a signal to the processes of a step: all below the script and its srun."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {f.__name__: f for f in (sbatch, run, srun, squeue, scontrol, scancel)}[command](*arguments)

"""Training in several processes on this machine: one group, started by the command of one run."""

import logging
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from hydra.core.hydra_config import HydraConfig

from aa.arguments import OURS
from aa.errors import GroupError, Interrupted, UserError
from aa.interrupts import handling
from aa.processes import FORWARDED, end_with_parent

log = logging.getLogger(__name__)

# What paddle's launcher leaves beside the logs: the whole environment, with any secrets in it.
ENVIRONMENTS = ("envlog.*", "backup_env.*.json", "default.*.log")


def check_shared_folder(arguments, who):
    """Those that are started apart must have been told their run folder: each would take its own.

    Args:
        arguments: of the command.
        who: they, in words.

    Raises:
        UserError: they have not.
    """
    if not any(a.lstrip("+").startswith("hydra.run.dir=") for a in arguments):
        raise UserError(f"{who} need one run folder: add hydra.run.dir=<folder>, the same for all.")


def launch(hardware, folder, *, full_error=False):
    """Run this job in `hardware.devices` processes and wait for them.

    The processes repeat this command, each with its rank; what they print is in `logs/` of the run
    folder, that of the first also here. Of several machines each starts its own, into one folder.

    Args:
        hardware: the checked `HardwareConfig`.
        folder: the run folder.
        full_error: ranks show whole tracebacks of the user's errors too.

    Raises:
        UserError, GroupError: a process failed.
        Interrupted: a signal stopped them all.
    """
    logs = Path(folder) / "logs"
    if hardware.nodes > 1:
        check_shared_folder(sys.argv, f"{hardware.nodes} machines")
        logs /= f"node{hardware.node_rank}"
    logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-u", "-W", "ignore", "-m", "paddle.distributed.launch"]
    command += ["--nproc_per_node", str(hardware.devices), "--log_dir", str(logs)]
    if hardware.nodes > 1:
        command += ["--nnodes", str(hardware.nodes), "--rank", str(hardware.node_rank)]
        command += ["--master", hardware.master]
    command += ["--log_level", "CRITICAL", str(Path(sys.argv[0]).resolve())]
    command += [*_options(), *rank_overrides(folder)]
    log.info("starting %d processes, their output goes to %s", hardware.devices, logs)
    environment = _environment(hardware, full_error)
    child = subprocess.Popen(
        command, env=environment, start_new_session=True, preexec_fn=end_with_parent
    )
    try:
        stopped_by = _wait(child)
    finally:
        for pattern in ENVIRONMENTS:
            for file in logs.glob(pattern):
                file.unlink(missing_ok=True)
    if child.returncode and (not stopped_by or _users_errors(logs)):
        _fail(logs, child.returncode)
    if stopped_by:
        raise Interrupted(stopped_by)


def rank_overrides(folder):
    """This job's overrides with its folder said, whose `.hydra` is written already."""
    overrides = HydraConfig.get().overrides
    given = [o for o in (*overrides.hydra, *overrides.task) if not OURS.match(o)]
    quoted = str(folder).replace("'", "\\'")
    return [*given, f"hydra.run.dir='{quoted}'", "hydra.output_subdir=null"]


def _options():
    """The config options of this command, as `--config-dir=<folder>`."""
    words = iter(sys.argv[1:])
    options = []
    for word in words:
        if re.match(r"(--config-(path|name|dir)|-cp|-cn|-cd)(=|$)", word):
            options += [word] if "=" in word else [word, next(words)]
    return options


def _environment(hardware, full_error):
    environment = {**os.environ, "HYDRA_FULL_ERROR": str(int(full_error))}
    if hardware.device == "cpu":
        # Paddle's launcher then counts no device and the processes speak through gloo.
        environment |= {"CUDA_VISIBLE_DEVICES": "all", "PADDLE_DISTRI_BACKEND": "gloo"}
    return environment


def _wait(child):
    """Wait for the launcher; the number of the first signal that came meanwhile, or None.

    The first signal goes to the processes, which finish their step and save. The second goes to
    the launcher, which ends them.
    """
    received = []

    def forward(number, frame):
        received.append(number)
        ranks = _ranks(child) if len(received) == 1 else []
        for process in ranks:
            process.send_signal(signal.SIGTERM)
        if not ranks:
            child.send_signal(signal.SIGTERM)

    with handling(FORWARDED, forward):
        child.wait()
    return received[0] if received else None


def _ranks(launcher):
    """The processes that run this command again; not those that read clips for them."""
    runner = str(Path(sys.argv[0]).resolve())
    found = []
    with suppress(psutil.Error):  # the launcher has ended meanwhile
        for process in psutil.Process(launcher.pid).children():
            with suppress(psutil.Error):
                if runner in process.cmdline():
                    found.append(process)
    return found


def _fail(logs, code):
    """Raise with the line of the rank that says why."""
    users = _users_errors(logs)
    if users:
        raise UserError(users[0].removeprefix("error: "))
    last = _last_errors(logs)
    reason = next((line for line in last if line), _silent(code))
    # A code above 128 is only that of a process that the launcher stopped because another failed.
    raise GroupError(f"{reason}; the processes' output is in {logs}.", code if code < 128 else 1)


def _silent(code):
    """What is known of a process that says nothing: the launcher's code is -signal as a byte."""
    name = {s.value: s.name for s in signal.Signals}.get(256 - code, f"code {code}")
    return f"a process ended without a word ({name}): killed, or out of memory"


def _users_errors(logs):
    return [line for line in _last_errors(logs) if line.startswith("error: ")]


def _last_errors(logs):
    return [_last_error(file) for file in sorted(logs.glob("workerlog.*"))]


def _last_error(file):
    """The last line of a log that names an error."""
    named = re.compile(r"(error: |[\w.]*(Error|Exception|Interrupt)\b)")
    lines = file.read_text(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if named.match(line.strip())), "")

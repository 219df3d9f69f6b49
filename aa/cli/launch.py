"""Training in several processes: one group, started by the command of one run on each host."""

import logging
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.core.hydra_config import HydraConfig

from aa.cli.hosts import Hosts
from aa.cli.meeting import met
from aa.cli.reasons import HOST, OWN, PEER, USER, Reason, reason_of
from aa.config.convert import to_dict
from aa.config.hardware import HardwareConfig
from aa.config.overrides import OURS, as_given
from aa.config.primary import TrainConfig
from aa.errors import GroupError, Interrupted, Signalled, UserError
from aa.interrupts import Wish, handling, wishes
from aa.processes import FORWARDED, Shown, start
from aa.runs.differences import flat, shared_by_hosts
from aa.runs.resume import has_checkpoint
from aa.runs.snapshots import code_hashes, versions

log = logging.getLogger(__name__)

LOOK_EVERY = 0.1  # seconds, at the processes and what other hosts say
ENDS_WITHIN = 3.0  # seconds, for those of a group of which one has failed
LEAVES_WITHIN = 30.0  # seconds, for those of a group of which one has stopped
TOLD_WITHIN = 5.0  # seconds, for another host's better reason


def check_shared_folder(arguments: Sequence[str], who: str) -> None:
    """Check that those started apart have been told their run folder: each would take its own.

    Args:
        arguments: of the command.
        who: they, in words.

    Raises:
        UserError: they have not.
    """
    if not any(a.lstrip("+").startswith("hydra.run.dir=") for a in arguments):
        raise UserError(f"{who} need one run folder: add hydra.run.dir=<folder>, the same for all.")


def launch(config: TrainConfig, folder: Path, *, full_error: bool = False) -> None:
    """Run this job in `hardware.devices` processes on each of `hardware.nodes` hosts, to its end.

    The processes repeat this command, each with its rank; what they print is in `logs/` of the run
    folder, that of the first also here. Of several hosts each starts its own, into one folder.

    Args:
        config: checked.
        folder: the run folder.
        full_error: ranks show whole tracebacks of the user's errors too.

    Raises:
        UserError, GroupError: a process failed, or the hosts did not meet or agree.
        Interrupted, Signalled: a signal stopped them all.
    """
    hardware, logs = config.hardware, Path(folder) / "logs"
    if hardware.nodes > 1:
        check_shared_folder(sys.argv, f"{hardware.nodes} hosts")
        logs /= f"node{hardware.node_rank}"
    about = _about(config) if hardware.nodes > 1 else {}
    with met(hardware, folder, about) as hosts:
        logs.mkdir(parents=True, exist_ok=True)
        _Group(hardware, hosts, Path(folder), logs, _command(folder), full_error).run()


def _about(config: TrainConfig) -> dict[str, Any]:
    """All that must be the same on all hosts, see `met`."""
    values = {key: value for key, value in flat(to_dict(config)).items() if shared_by_hosts(key)}
    values["resume"] = "true" if config.resume else "false"
    return {"config": values, "code": code_hashes(), "packages": versions()}


def _command(folder: Path) -> list[str]:
    """Command of a process of the group."""
    runner = str(Path(sys.argv[0]).resolve())
    return [sys.executable, "-u", runner, *_options(), *rank_overrides(folder)]


def rank_overrides(folder: str | Path) -> list[str]:
    """This job's overrides with its folder given, whose `.hydra` is written already."""
    overrides = as_given(HydraConfig.get().overrides)
    given = [o for o in (*overrides["hydra"], *overrides["task"]) if not OURS.match(o)]
    quoted = str(folder).replace("'", "\\'")
    return [*given, f"hydra.run.dir='{quoted}'", "hydra.output_subdir=null"]


def _options() -> list[str]:
    """The config options of this command, as `--config-dir=<folder>`."""
    words = iter(sys.argv[1:])
    options = []
    for word in words:
        if re.match(r"(--config-(path|name|dir)|-cp|-cn|-cd)(=|$)", word):
            options += [word] if "=" in word else [word, next(words)]
    return options


def rank_environment(hardware: HardwareConfig, hosts: Hosts, local: int) -> dict[str, str]:
    """Variables that tell Paddle a process' place in its group, as its own launcher sets them.

    Args:
        hardware: checked.
        hosts: that have met.
        local: number of the process on this host.
    """
    devices, rank = hardware.devices, hardware.node_rank * hardware.devices + local
    port = int(hosts.store.rpartition(":")[2])
    ends = [f"{a}:{port + 1 + n}" for a in hosts.addresses for n in range(devices)]  # as names only
    found = {
        "PADDLE_MASTER": hosts.store,
        "PADDLE_TRAINERS_NUM": str(len(ends)),
        "PADDLE_TRAINER_ID": str(rank),
        "PADDLE_TRAINER_ENDPOINTS": ",".join(ends),
        "PADDLE_CURRENT_ENDPOINT": ends[rank],
        "PADDLE_GLOBAL_SIZE": str(len(ends)),
        "PADDLE_GLOBAL_RANK": str(rank),
        "PADDLE_LOCAL_SIZE": str(devices),
        "PADDLE_LOCAL_RANK": str(local),
        "PADDLE_RANK_IN_NODE": str(local),
        "PADDLE_NNODES": str(hardware.nodes),
    }
    if hardware.device == "gpu":
        return {**found, "FLAGS_selected_gpus": str(local)}  # of those that are visible
    found["PADDLE_DISTRI_BACKEND"] = "gloo"
    interface = hosts.here and hosts.interface()
    if interface and "GLOO_SOCKET_IFNAME" not in os.environ:
        # Else gloo takes the address of the host's own name: with Debian that is 127.0.1.1.
        found["GLOO_SOCKET_IFNAME"] = interface
    return found


class _Group:
    """The processes of this host, from their start to their end."""

    def __init__(
        self,
        hardware: HardwareConfig,
        hosts: Hosts,
        folder: Path,
        logs: Path,
        command: list[str],
        full_error: bool,
    ) -> None:
        self.hardware, self.hosts, self.command = hardware, hosts, command
        self.folder, self.logs = folder, logs
        self.full_error = full_error
        self.first = hardware.node_rank * hardware.devices  # rank of the first one
        self.ranks: list[subprocess.Popen] = []
        self.reasons: list[Reason] = []
        self.ended: set[int] = set()  # of the ranks, looked at already
        self.stop: int | None = None  # the signal that all are to stop for
        self.untold: int | None = None  # such a signal, until other hosts know of it
        self.left = math.inf  # since when one has stopped
        self.killed = False

    def run(self) -> None:
        logs = [self.logs / f"workerlog.{local}" for local in range(self.hardware.devices)]
        count = f"{len(logs)} process{'es' * (len(logs) > 1)}"
        log.info("starting %s, with their output in %s", count, self.logs)
        try:
            for local, file in enumerate(logs):
                self._start(local, file)
            with (
                handling(FORWARDED, self._forward),
                Shown(logs[0], wanted=self.first == 0) as shown,
            ):
                while not self._is_over(logs):
                    shown.show()
                    time.sleep(LOOK_EVERY)
                shown.show()
        finally:
            self._kill()
            for process in self.ranks:
                process.wait()
        if not self.killed:
            self.hosts.tell(done=True)
        self._conclude()

    def _start(self, local: int, file: Path) -> None:
        environment = {**os.environ, "HYDRA_FULL_ERROR": str(int(self.full_error))}
        environment |= rank_environment(self.hardware, self.hosts, local)
        with open(file, "wb") as output:
            self.ranks.append(start(self.command, environment, output))

    def _forward(self, number: int, frame: FrameType | None) -> None:
        wish = wishes.hear(number)
        if wish is Wish.STOP:
            self._stop(number)
            self.untold = number  # until the next look: this may be amid another message
        elif wish is Wish.AT_ONCE:
            self._kill()

    def _stop(self, number: int) -> None:
        """All processes finish their step and save."""
        if self.stop is None:
            self.stop = number
            for process in self.ranks:
                process.terminate()

    def _kill(self) -> None:
        """End all at once; nothing is waited for, for a signal may have come amid a wait."""
        for process in self.ranks:
            if process.returncode is None:
                self.killed = True
                process.kill()

    def _is_over(self, logs: list[Path]) -> bool:
        """Look at processes and hosts; return whether all of them have ended, as they may."""
        if self.untold is not None:
            self.hosts.tell(stop=self.untold)
            self.untold = None
        for local, process in enumerate(self.ranks):
            if process.poll() is not None and local not in self.ended:
                self.ended.add(local)
                self._note(local, process.returncode, logs[local])
        for who, message in self.hosts.listen():
            self._hear(who, message)
        running = len(self.ended) < len(self.ranks)
        if not self.reasons and running and (lost := self.hosts.lost()):
            self._fail(Reason(HOST, time.monotonic(), lost))
        if not self.reasons:
            if running and time.monotonic() - self.left >= LEAVES_WITHIN:
                self._kill()  # they wait for one that has stopped without them
            return not running
        best, waited = min(self.reasons), time.monotonic() - self.reasons[0].since
        if running and waited >= ENDS_WITHIN and not self.killed:
            self._kill()
        patience = TOLD_WITHIN if self.hosts.lines and best.kind in (HOST, PEER) else 0
        return not running and waited >= patience

    def _note(self, local: int, code: int, file: Path) -> None:
        number = -code if code < 0 else code - 128
        if number in FORWARDED:
            self.left = min(self.left, time.monotonic())
            self._stop(number)
            self.hosts.tell(stop=number)
        elif code and not self.killed:
            self._fail(reason_of(self.first + local, code, file, time.monotonic()))

    def _fail(self, reason: Reason) -> None:
        self.reasons.append(reason)
        self.hosts.tell(failed=reason.line, kind=reason.kind)

    def _hear(self, who: str, message: dict[str, Any]) -> None:
        if "stop" in message:
            self._stop(int(message["stop"]))
        if "failed" in message:
            kind = int(message["kind"])
            line = message["failed"] if kind in (USER, HOST) else f"{who}, {message['failed']}"
            self.reasons.append(Reason(kind, time.monotonic(), line))

    def _conclude(self) -> None:
        """Raise what has ended the group before its time."""
        best = min(self.reasons, default=None)
        if best and best.kind == USER:
            raise UserError(best.line)
        if self.stop is not None and (best or self.killed):  # what it was at is not saved
            if best:
                log.warning("%s", best.line)
            raise Signalled(self.stop)
        if self.stop is not None:
            raise Interrupted(self.stop)
        if best:
            code = next((p.returncode for p in self.ranks if 0 < p.returncode < 128), 1)
            again = f" Go on from its last checkpoint: resume={self.folder}"
            raise GroupError(
                f"{best.line}; the processes' output is in {self.logs}."
                f"{again * has_checkpoint(self.folder)}",
                code if best.kind == OWN else 1,
            )

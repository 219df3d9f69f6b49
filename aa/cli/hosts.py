"""A host among those that train together: what its command says of itself and hears of the others.

The command of node 0 listens at hardware.master; the others call it. Everybody says what it is
about to do; where that is the same, all start their processes. The lines stay open: a stop and a
failure go to all, and a host that falls silent has gone.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from aa.cli.line import SILENT_AFTER, Line
from aa.config.hardware import HardwareConfig
from aa.errors import UserError
from aa.runs.kinds import Holder
from aa.runs.lock import COMMAND
from aa.runs.reading import read_record

log = logging.getLogger(__name__)

FIRST_WORD, SAY_EVERY = 2.0, 30.0  # seconds, until and between the lines that say who waits
LOOK_EVERY = 0.1  # seconds
ANSWERS_WITHIN = 10.0  # seconds, whoever listens at the master's port


@dataclass
class Hosts:
    """The hosts of a run, as the command of one of them sees the others.

    Attributes:
        lines: {node: `Line`}: of node 0 to all others, of these to node 0.
        store: host:port where the processes find each other.
        addresses: of all hosts, in order.
        here: the address of this host that the others know; None where there are no others.
        turn_away: of node 0, called now and then for those that come too late.
        close_door: of node 0, when no more can come.
        done: nodes whose processes have all ended.
    """

    lines: dict[int, Line] = field(default_factory=dict)
    store: str = ""
    addresses: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    here: str | None = None
    turn_away: Callable[[], None] = lambda: None
    close_door: Callable[[], None] = lambda: None
    done: set[int] = field(default_factory=set)

    def tell(self, *, but: int | None = None, **message: Any) -> None:
        """Send a message to the others, other than one."""
        for node, line in self.lines.items():
            if node != but and line.is_open:
                line.send(**message)

    def listen(self) -> Iterator[tuple[str, dict]]:
        """Yield (who, message) of all that has come; node 0 passes it on to the others."""
        self.turn_away()
        for node, line in self.lines.items():
            for message in line.receive():
                if "done" in message:
                    self.done.add(node)
                    continue
                who = message.get("who", f"node {node} ({line.host})")
                if message:
                    self.tell(but=node, **{"who": who, **message})
                    yield who, message

    def beat(self, over: threading.Event) -> None:
        """Say to all others that this host is there, until that is over; in a separate thread.

        What the rest of the command is at may take long: a terminal that takes nothing, a disk.
        """
        while not over.wait(1.0):
            for line in self.lines.values():
                line.beat()

    def lost(self) -> str | None:
        """Say in a line that a host is not there any more; None while all are."""
        for node, line in self.lines.items():
            who = f"node {node} ({line.host})"
            if node in self.done:
                continue
            if not line.is_open:
                return f"{who} has gone: its command has ended without a word"
            if line.is_silent():
                return (
                    f"{who} has not been heard of for {SILENT_AFTER:.0f} s: the host or the way "
                    "to it is down"
                )
        return None

    def interface(self) -> str | None:
        """Name of the network interface that the others are reached by; None if not known."""
        for name, addresses in psutil.net_if_addrs().items():
            if any(known.address == self.here for known in addresses):
                return name
        return None


class ThisHost:
    """This host: its words about itself, and how long it still waits for others."""

    def __init__(self, hardware: HardwareConfig, folder: Path, about: Mapping[str, Any]) -> None:
        self.hardware, self.folder, self.about = hardware, folder, about
        self.node, self.nodes, self.master = hardware.node_rank, hardware.nodes, hardware.master
        name, _, port = (self.master or "").rpartition(":")
        self.address, self.host = (name, int(port)), socket.gethostname()
        self.token, self.told = secrets.token_hex(), set[str]()
        alone = "SLURM_JOB_ID" in os.environ and "SLURM_STEP_ID" not in os.environ
        # A job's script runs on its first host only.
        self.hint = " (nothing has started it there: srun does)" if alone else ""
        self.ends = time.monotonic() + hardware.start_timeout
        self.said = time.monotonic() - SAY_EVERY + FIRST_WORD

    def __str__(self) -> str:
        return f"node {self.node} ({self.host})"

    def card(self) -> dict[str, Any]:
        """Say who this is; the token tells this very process."""
        folder = str(self.folder)
        return {"aa": "me", "host": self.host, "folder": folder, "token": self.token}

    def hello(self) -> dict[str, Any]:
        """Greeting to be compared with that of node 0, which writes the run folder."""
        words = {"node": self.node, "nodes": self.nodes, "host": self.host, "about": self.about}
        return {**self.card(), **words, "aa": "hello", "writer": self.writer()}

    def writer(self) -> dict | None:
        """Last holder of the run folder, as this host finds it there; None where nobody has."""
        try:
            return dict(read_record(self.folder, COMMAND, Holder))
        except (OSError, UserError):
            return None

    def has_waited(self, seconds: float) -> bool:
        """Return whether it has been waiting for so many seconds already."""
        return time.monotonic() >= self.ends - self.hardware.start_timeout + seconds

    def wait(self, for_whom: str) -> None:
        """Wait a moment; every so often, say who waits for whom.

        Raises:
            UserError: it has waited long enough.
        """
        now = time.monotonic()
        if now >= self.ends:
            raise UserError(
                f"{self} has waited {self.hardware.start_timeout:g} s (hardware.start_timeout) "
                f"{for_whom}{self.hint}. See that the same command runs on all {self.nodes} hosts, "
                "each with its own hardware.node_rank, and that all reach "
                f"hardware.master={self.master}."
            )
        if now - self.said >= SAY_EVERY:
            log.info("%s waits %s%s; %.0f s more", self, for_whom, self.hint, self.ends - now)
            self.said = now
        time.sleep(LOOK_EVERY)

"""Several hosts that train together: how their commands meet, agree, and keep in touch.

The command of node 0 listens at hardware.master; the others call it. Everybody says what it is
about to do; where that is the same, all start their processes. The lines stay open: a stop and a
failure go to all, and a host that falls silent has gone. Imports no paddle.
"""

import errno
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from aa.cli.line import BEAT_EVERY, SILENT_AFTER, Line, call, free_port, why
from aa.differences import ABSENT, changed_leaves
from aa.errors import UserError, some
from aa.lock import COMMAND
from aa.schemas.hardware import HardwareConfig

log = logging.getLogger(__name__)

FIRST_WORD, SAY_EVERY = 2.0, 30.0  # seconds, until and between the lines that say who waits
CALL_EVERY, LOOK_EVERY = 0.5, 0.1  # seconds
ANSWERS_WITHIN = 10.0  # seconds, whoever listens at the master's port
FOREIGN_WITHIN = 10.0  # seconds, until a disk shows the other hosts what node 0 has written
MASTER_EVERY = 5.0  # seconds, until it leads to node 0


@dataclass
class Hosts:
    """The hosts of a run, as the command of one of them sees the others.

    Attributes:
        lines: {node: `Line`}: of node 0 to all others, of these to node 0.
        store: host:port where the processes find each other.
        addresses: of all hosts, in order.
        here: the address of this host that the others know; None where there are no others.
        door: of node 0, for those that come too late.
        done: nodes whose processes have all ended.
    """

    lines: dict[int, Line] = field(default_factory=dict)
    store: str = ""
    addresses: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    here: str | None = None
    door: "_Door | None" = None
    done: set[int] = field(default_factory=set)

    def tell(self, *, but: int | None = None, **message: Any) -> None:
        """Send a message to the others, other than one."""
        for node, line in self.lines.items():
            if node != but and line.is_open:
                line.send(**message)

    def listen(self) -> Iterator[tuple[str, dict]]:
        """Yield (who, message) of all that has come; node 0 passes it on to the others."""
        if self.door:
            self.door.turn_away({node: line.host for node, line in self.lines.items()})
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
        """Say to all others that this host is there, until that is over; in a thread of its own.

        What the rest of the command is at may take long: a terminal that takes nothing, a disk.
        """
        while not over.wait(1.0):
            for line in self.lines.values():
                line.beat()

    def lost(self) -> str | None:
        """That a host is not there any more, in a line; None while all are."""
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


@contextmanager
def met(hardware: HardwareConfig, folder: Path, about: Mapping[str, Any]) -> Iterator[Hosts]:
    """Context in which the commands of all hosts of a run have met and agreed.

    Args:
        hardware: the checked config.
        folder: the run folder, on a disk that all of them see.
        about: what the run depends on, {"config": {...}, "code": {...}, ...}: the same everywhere.

    Raises:
        UserError: somebody has not come in `hardware.start_timeout`, or is about something else.
    """
    if hardware.nodes == 1:
        yield Hosts(store=f"127.0.0.1:{free_port()}")
        return
    this = _ThisHost(hardware, Path(folder), json.loads(json.dumps(about)))
    hosts = _gather(this) if this.node == 0 else _join(this)
    over = threading.Event()
    threading.Thread(target=hosts.beat, args=(over,), daemon=True).start()
    try:
        yield hosts
    finally:
        over.set()
        for line in hosts.lines.values():
            line.end()
        if hosts.door:
            hosts.door.close()


class _ThisHost:
    """What this host says of itself, and how long it still waits for others."""

    def __init__(self, hardware, folder, about):
        self.hardware, self.folder, self.about = hardware, folder, about
        self.node, self.nodes, self.master = hardware.node_rank, hardware.nodes, hardware.master
        name, _, port = self.master.rpartition(":")
        self.address, self.host = (name, int(port)), socket.gethostname()
        self.token, self.told = secrets.token_hex(), set()
        alone = "SLURM_JOB_ID" in os.environ and "SLURM_STEP_ID" not in os.environ
        # A job's script runs on its first host only.
        self.hint = " (nothing has started it there: srun does)" if alone else ""
        self.ends = time.monotonic() + hardware.start_timeout
        self.said = time.monotonic() - SAY_EVERY + FIRST_WORD

    def __str__(self):
        return f"node {self.node} ({self.host})"

    def card(self):
        """Who this is; the token tells this very process."""
        folder = str(self.folder)
        return {"aa": "me", "host": self.host, "folder": folder, "token": self.token}

    def hello(self):
        """To be compared with that of node 0, which writes the run folder."""
        words = {"node": self.node, "nodes": self.nodes, "host": self.host, "about": self.about}
        return {**self.card(), **words, "aa": "hello", "writer": self.writer()}

    def writer(self):
        """Who last held the run folder, as this host finds it there; None where nobody has."""
        try:
            return json.loads((self.folder / COMMAND).read_text())
        except (OSError, ValueError):
            return None

    def has_waited(self, seconds):
        """Whether it is waiting for so many seconds already."""
        return time.monotonic() >= self.ends - self.hardware.start_timeout + seconds

    def wait(self, for_whom):
        """A moment; every so often, say who waits for whom.

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


# Node 0


class _Door:
    """Where node 0 listens: on every address of its host, for its own name may be 127.0.1.1 there.

    Raises:
        UserError: another program keeps the port for too long.
    """

    def __init__(self, this):
        self.this, self.socket = this, socket.socket()
        self.callers: list[Line] = []  # that have not said what they want
        self.waiting: list[tuple[Line, dict]] = []  # that have said hello
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = this.address[1]
        try:
            while not self._bound(port):
                other = None
                with suppress(OSError):
                    other = _answer(("127.0.0.1", port))
                if other and other["folder"] == str(this.folder):
                    raise UserError(_same_node(0, this.host, other["host"]))
                by = f"by the run {other['folder']}" if other else "by another program"
                this.wait(f"for port {port} of its own, which is taken {by}")
            self.socket.listen(64)
            self.socket.setblocking(False)
        except BaseException:
            self.socket.close()
            raise

    def _bound(self, port):
        try:
            self.socket.bind(("", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise UserError(
                f"hardware.master={self.this.master}: port {port} cannot be listened at "
                f"({why(error)}); take one from 1024 to 65535."
            ) from error
        return True

    def close(self):
        for caller in (*self.callers, *(line for line, _ in self.waiting)):
            caller.close()
        self.socket.close()

    def look(self):
        """Answer who asks who is here, keep who says hello, and drop everybody else."""
        while True:
            try:
                connection = self.socket.accept()[0]
            except BlockingIOError:
                break
            except ConnectionError:  # who called has hung up again
                continue
            try:
                self.callers.append(Line(connection))
            except OSError:
                connection.close()
        unheard = []
        for caller in self.callers:
            message = next(iter(caller.receive()), None)
            if message is None and caller.is_open and not caller.is_silent(ANSWERS_WITHIN):
                unheard.append(caller)
            elif message and _is_hello(message):
                self.waiting.append((caller, message))
            else:
                if message and message.get("aa") == "who":
                    caller.send(**self.this.card())
                caller.close()
        self.callers = unheard

    def hellos(self):
        """[(line, hello)] of those that have called since."""
        self.look()
        waiting, self.waiting = self.waiting, []
        return waiting

    def turn_away(self, known):
        """The run has started: tell those that come now that their place, or the run, is taken."""
        for line, hello in self.hellos():
            with line:
                node = hello["node"]
                if hello["folder"] != str(self.this.folder):
                    line.send(aa="busy", folder=str(self.this.folder))
                elif node in known or node == 0:
                    one = self.this.host if node == 0 else known[node]
                    line.send(aa="no", line=_same_node(node, one, hello["host"]))
                else:
                    line.send(aa="no", line=f"the {self.this.nodes} hosts of this run have met.")


def _gather(this):
    """Wait for all other hosts, compare what they are about, and let all start."""
    door, lines = _Door(this), {}
    try:
        _let_in(this, door, lines)
    except BaseException:
        for line in lines.values():
            line.close()
        door.close()
        raise
    ours = [line.ends[0][0] for line in lines.values()]
    here = next((address for address in ours if not address.startswith("127.")), ours[0])
    addresses = [here, *(lines[node].ends[1][0] for node in range(1, this.nodes))]
    port = free_port()
    hosts = Hosts(lines, f"127.0.0.1:{port}", addresses, here, door)
    hosts.tell(aa="go", port=port, addresses=addresses)
    return hosts


def _let_in(this, door, lines):
    """Fill {node: `Line`} with all other hosts.

    Raises:
        UserError: one has not come, or is about something else, or there is another node 0.
    """
    checked, trouble = -MASTER_EVERY, "?"
    while len(lines) < this.nodes - 1:
        for line, hello in door.hellos():
            _welcome(this, line, hello, lines)
        for node, line in list(lines.items()):
            line.beat()
            line.receive()
            if not line.is_open:  # it may come again
                del lines[node]
        if trouble and time.monotonic() - checked >= MASTER_EVERY:
            trouble, checked = _not_here(this, door), time.monotonic()
        missing = [f"node {node}" for node in range(1, this.nodes) if node not in lines]
        if missing:
            this.wait(f"at {this.master} for {some(missing)}{trouble}")


def _not_here(this, door):
    """Nothing if hardware.master leads to this host; else what is wrong.

    Raises:
        UserError: it leads to another node 0 of this run.
    """
    try:
        said = _answer(this.address, door)
    except OSError as error:
        return f"; hardware.master={this.master} leads nowhere ({why(error)})"
    if said is None:
        return f"; hardware.master={this.master} does not lead to this host, which is node 0"
    if said["token"] == this.token:
        return ""
    if said["folder"] == str(this.folder):
        raise UserError(_same_node(0, this.host, said["host"]))
    return f"; hardware.master={this.master} leads to {said['host']}, to another run"


def _welcome(this, line, hello, lines):
    """Take a host that says hello, or tell it why not.

    Raises:
        UserError: it is about something else, or calls itself what another one does.
    """
    node, line.host = hello["node"], hello["host"]
    if hello.get("writer") != this.writer():
        # Of another run, or this run's folder is not on a disk that both see: it is told alone.
        foreign = (
            f"{this} writes {this.folder}; node {node} ({line.host}) does not find that run in its "
            f"own hydra.run.dir={hello['folder']}, which must be one folder on a disk that all "
            "hosts see"
        )
        if foreign not in this.told:  # it calls again
            log.warning("%s", foreign)
            this.told.add(foreign)
        line.send(aa="foreign", line=f"{foreign}.")
        line.end()
        return
    line.token = hello["token"]
    if node in lines and (lines[node].token == line.token or lines[node].is_silent(3 * BEAT_EVERY)):
        lines.pop(node).close()  # it has called again
    disagreement = _disagreement(this, hello, lines)
    if disagreement:
        for told in (line, *lines.values()):
            told.send(aa="no", line=disagreement)
            told.end()
        raise UserError(disagreement)
    lines[node] = line
    line.send(aa="welcome", host=this.host)
    log.info("node %d (%s) has come, %d of %d", node, line.host, len(lines) + 1, this.nodes)


def _disagreement(this, hello, lines):
    """Why the hosts cannot train together, in a line, or None."""
    node, host = hello["node"], hello["host"]
    if node in (0, *lines):
        return _same_node(node, this.host if node == 0 else lines[node].host, host)
    if hello["nodes"] != this.nodes:
        return (
            f"node {node} ({host}) was told hardware.nodes={hello['nodes']}, {this} {this.nodes}: "
            "give both the same."
        )
    differing = list(_differing(this.about, hello["about"]))
    if differing:
        return (
            f"node {node} ({host}) and {this} are not about to do the same: {some(differing)}. "
            "Give all hosts the same command, code and packages."
        )
    return None


def _differing(ours, theirs):
    """Yield what differs, the other host's value first."""
    for kind in ours:
        for key, mine, other in changed_leaves(ours[kind], theirs.get(kind, {})):
            if kind == "code":
                yield f"{key} is another file"
            else:
                yield f"{key} is {_value(other)} there, {_value(mine)} here"


def _value(value):
    if value is ABSENT:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value)


def _same_node(node, one, other):
    return (
        f"two hosts call themselves node {node}: {one} and {other}. Give each its own "
        "hardware.node_rank."
    )


def _answer(address, door=None):
    """What node 0 of a run says of itself that listens at an address; None where none does.

    Args:
        address: (name, port).
        door: of this process, which may be who is to answer.

    Raises:
        OSError: nobody listens there.
    """
    until = time.monotonic() + 2.0
    with call(address, within=1.0) as line:
        line.send(aa="who")
        while line.is_open and time.monotonic() < until:
            if door:
                door.look()
            for said in line.receive():
                if said.keys() >= {"aa", "host", "folder", "token"}:
                    return said
            time.sleep(LOOK_EVERY)
    return None


def _is_hello(message):
    types = {"node": int, "nodes": int, "host": str, "folder": str, "token": str, "about": dict}
    return (
        message.get("aa") == "hello"
        and all(isinstance(message.get(key), kind) for key, kind in types.items())
        and 0 <= message["node"] < message["nodes"]
        and all(isinstance(part, dict) for part in message["about"].values())
    )


# The other nodes


def _join(this):
    """Call node 0 until it answers, and wait for its word to start."""
    reason = "it has not answered yet"
    while True:
        this.wait(f"for node 0 at {this.master}: {reason}")
        try:
            line = call(this.address)
        except OSError as error:
            reason = why(error)
        else:
            line.send(**this.hello())
            found = _answered(this, line, reason)
            if isinstance(found, Hosts):
                return found
            reason = found
            line.close()
        time.sleep(CALL_EVERY)


def _answered(this, line, reason):
    """`Hosts` once node 0 has said to start, or why not yet; `reason` was so far.

    Raises:
        UserError: it has said no.
    """
    until, came = time.monotonic() + ANSWERS_WITHIN, False
    while line.is_open and (came or time.monotonic() < until) and not line.is_silent():
        line.beat()
        messages = line.receive()
        for place, message in enumerate(messages, 1):
            said = message.get("aa")
            if said == "no" or (said == "foreign" and this.has_waited(FOREIGN_WITHIN)):
                raise UserError(str(message["line"]))
            if said == "foreign":
                return f"it does not take this for its run: {message['line']}"
            if said == "busy":
                return f"it trains into {message['folder']}, this is for {this.folder}"
            if said == "welcome":
                came, line.host = True, str(message["host"])
            if said == "go":
                line.keep(messages[place:])  # the first of them may have to stop already
                address = line.ends[1][0]
                store = f"{address}:{message['port']}"
                return Hosts({0: line}, store, message["addresses"], line.ends[0][0])
        this.wait(
            f"for the others; node 0 ({line.host}) has heard of it"
            if came
            else f"for node 0 at {this.master}: {reason}"
        )
    return "it was there and has gone" if came else "what answers there is no node 0 of a run"

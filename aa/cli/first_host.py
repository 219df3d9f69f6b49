"""Node 0 of several hosts: it listens, compares what the others are about, and lets all start."""

import errno
import json
import logging
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from aa.cli.hosts import ANSWERS_WITHIN, LOOK_EVERY, Hosts, ThisHost
from aa.cli.line import BEAT_EVERY, Line, call, free_port, why
from aa.errors import UserError, some
from aa.runs.differences import ABSENT, changed_leaves

log = logging.getLogger(__name__)

MASTER_EVERY = 5.0  # seconds, until it leads to node 0


class Door:
    """Listener of node 0: on every address of its host, for its name may be 127.0.1.1 there.

    Raises:
        UserError: another program keeps the port for too long.
    """

    def __init__(self, this: ThisHost) -> None:
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

    def _bound(self, port: int) -> bool:
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

    def close(self) -> None:
        """Listen to nobody any more."""
        for caller in (*self.callers, *(line for line, _ in self.waiting)):
            caller.close()
        self.socket.close()

    def look(self) -> None:
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

    def hellos(self) -> list[tuple[Line, dict]]:
        """[(line, hello)] of those that have called since."""
        self.look()
        waiting, self.waiting = self.waiting, []
        return waiting

    def turn_away(self, known: dict[int, str]) -> None:
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


def gather(this: ThisHost) -> Hosts:
    """Wait for all other hosts, compare what they are about, and let all start.

    Raises:
        UserError: one has not come, or is about something else, or there is another node 0.
    """
    door, lines = Door(this), {}
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
    known = {node: line.host for node, line in lines.items()}
    hosts = Hosts(
        lines,
        f"127.0.0.1:{port}",
        addresses,
        here,
        turn_away=lambda: door.turn_away(known),
        close_door=door.close,
    )
    hosts.tell(aa="go", port=port, addresses=addresses)
    return hosts


def _let_in(this: ThisHost, door: Door, lines: dict[int, Line]) -> None:
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


def _not_here(this: ThisHost, door: Door) -> str:
    """Return nothing if hardware.master leads to this host; else what is wrong.

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


def _welcome(this: ThisHost, line: Line, hello: dict[str, Any], lines: dict[int, Line]) -> None:
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


def _disagreement(this: ThisHost, hello: dict[str, Any], lines: dict[int, Line]) -> str | None:
    """Reason why the hosts cannot train together, in a line, or None."""
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


def _differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs, the other host's value first."""
    for kind in ours:
        for key, mine, other in changed_leaves(ours[kind], theirs.get(kind, {})):
            if kind == "code":
                yield f"{key} is another file"
            else:
                yield f"{key} is {_value(other)} there, {_value(mine)} here"


def _value(value: object) -> str:
    if value is ABSENT:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value)


def _same_node(node: int, one: str, other: str) -> str:
    return (
        f"two hosts call themselves node {node}: {one} and {other}. Give each its own "
        "hardware.node_rank."
    )


def _answer(address: tuple[str, int], door: Door | None = None) -> dict[str, Any] | None:
    """Ask a run's node 0 that listens at an address about itself; None where none does.

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


def _is_hello(message: dict[str, Any]) -> bool:
    types = {"node": int, "nodes": int, "host": str, "folder": str, "token": str, "about": dict}
    return (
        message.get("aa") == "hello"
        and all(isinstance(message.get(key), kind) for key, kind in types.items())
        and 0 <= message["node"] < message["nodes"]
        and all(isinstance(part, dict) for part in message["about"].values())
    )

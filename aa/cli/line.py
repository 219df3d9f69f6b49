"""A connection between the commands of two hosts, and how one is made. Imports no paddle."""

import json
import os
import socket
import time
from typing import Any

CALL_WITHIN = 5.0  # seconds
BEAT_EVERY, SILENT_AFTER = 5.0, 30.0  # seconds
LONGEST = 16 * 2**20  # bytes of a message


class Line:
    """A connection to the command of another host: messages are lines of JSON.

    Attributes:
        host: name of who is at the other end.
        is_open: whether it still is.
        ends: address and port of this end and of the other one, as this one knows them.
    """

    def __init__(self, connection: socket.socket):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection, self._read = connection, b""
        self._heard = self._spoke = time.monotonic()
        self.host, self.is_open = "", True
        self.ends = connection.getsockname(), connection.getpeername()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def send(self, **message: Any) -> None:
        """Say something; who does not take it has gone."""
        self._spoke = time.monotonic()
        try:
            self._connection.settimeout(CALL_WITHIN)
            self._connection.sendall(json.dumps(message).encode() + b"\n")
            self._connection.setblocking(False)
        except OSError:
            self.close()

    def beat(self) -> None:
        """Say that this host is there, if it has not said anything for a while."""
        if self.is_open and time.monotonic() - self._spoke >= BEAT_EVERY:
            self.send()

    def receive(self) -> list[dict]:
        """What has come since. What is not ours ends the line."""
        while self.is_open:
            try:
                part = self._connection.recv(2**16)
            except BlockingIOError:
                break
            except OSError:
                part = b""
            self._read += part
            if not part or len(self._read) > LONGEST:
                self.close()
            self._heard = time.monotonic()
        *lines, self._read = self._read.split(b"\n")
        messages = []
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if not isinstance(message, dict):
                self.close()
                return []
            messages.append(message)
        return messages

    def is_silent(self, after: float = SILENT_AFTER) -> bool:
        """Whether nothing has come for so many seconds: its host, or the way to it, is down."""
        return time.monotonic() - self._heard >= after

    def end(self) -> None:
        """Close it when the other end has taken what was said, or a second has passed."""
        try:
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(1.0)
            while self._connection.recv(2**16):
                pass
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        """End it at once."""
        self.is_open = False
        self._connection.close()


def call(address: tuple[str, int], *, within: float = CALL_WITHIN) -> Line:
    """A line to who listens at (name, port): by IPv4, as Paddle's own connections are.

    Args:
        address: name or number of the host, and port.
        within: seconds that it may take to answer.

    Raises:
        OSError: nobody does; `why` says it in words.
    """
    found = socket.getaddrinfo(*address, socket.AF_INET, socket.SOCK_STREAM)
    connection = socket.socket()
    try:
        connection.settimeout(within)
        connection.connect(found[0][4])
        return Line(connection)
    except BaseException:
        connection.close()
        raise


def why(error: OSError) -> str:
    """Why a host cannot be called, in words."""
    if isinstance(error, socket.gaierror):
        return "no host of this name is known"
    if isinstance(error, TimeoutError):
        return "nothing answers"
    return os.strerror(error.errno).lower() if error.errno else str(error)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as one:
        one.bind(("", 0))
        return one.getsockname()[1]

"""A connection between the commands of two hosts, and how one is made."""

import json
import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import Any

CALL_WITHIN = 5.0  # seconds
BEAT_EVERY, SILENT_AFTER = 5.0, 30.0  # seconds
LONGEST = 16 * 2**20  # bytes of a message


class Line:
    """A connection to the command of another host: messages are lines of JSON.

    Attributes:
        host: name of who is at the other end.
        is_open: whether it still is.
        token: of the process at the other end, where it has told it.
        ends: address and port of this end and of the other one, as this one knows them.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection, self._read, self._speaks = connection, b"", threading.Lock()
        self._looked = self._spoke = time.monotonic()
        self._silence, self._kept = 0.0, []
        self.host, self.token, self.is_open = "", "", True
        self.ends = connection.getsockname(), connection.getpeername()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def send(self, **message: Any) -> None:
        """Say something, from any thread; who does not take it has gone."""
        words = memoryview(json.dumps(message).encode() + b"\n")
        with self._speaks:
            self._spoke = time.monotonic()
            try:
                while words:
                    if not select.select([], [self._connection], [], CALL_WITHIN)[1]:
                        raise TimeoutError
                    words = words[self._connection.send(words) :]
            except (OSError, ValueError):  # of a closed one
                self.close()

    def beat(self) -> None:
        """Say that this host is there, if it has not said anything for a while."""
        if self.is_open and time.monotonic() - self._spoke >= BEAT_EVERY:
            self.send()

    def receive(self) -> list[dict]:
        """Return the messages that have come since. One that is not ours ends the line."""
        # While this process itself was stopped nobody was silent.
        self._silence += min(time.monotonic() - self._looked, 1.0)
        self._looked = time.monotonic()
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
            self._silence = 0.0
        *lines, self._read = self._read.split(b"\n")
        messages, self._kept = self._kept, []
        for line in lines:
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                message = None
            if not isinstance(message, dict):
                self.close()
                return []
            messages.append(message)
        return messages

    def keep(self, messages: list[dict]) -> None:
        """Hand over again at the next `receive` what has come too early."""
        self._kept = messages

    def is_silent(self, after: float = SILENT_AFTER) -> bool:
        """Return whether nothing came for so many seconds: its host, or the way to it, is down."""
        return self._silence >= after

    def end(self) -> None:
        """Close it when the other end has taken what was said, or a second has passed."""
        until = time.monotonic() + 1.0
        with suppress(OSError, ValueError):
            self._connection.shutdown(socket.SHUT_WR)
            while select.select([self._connection], [], [], max(0.0, until - time.monotonic()))[0]:
                if not self._connection.recv(2**16):
                    break
        self.close()

    def close(self) -> None:
        """End it at once."""
        self.is_open = False
        self._connection.close()


def call(address: tuple[str, int], *, within: float = CALL_WITHIN) -> Line:
    """Open a line to who listens at (name, port): by IPv4, as Paddle's own connections are.

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
    """Reason why a host cannot be called, in words."""
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

"""What comes on a connection, within a time: who sends a byte now and then is not waited for."""

import io
import socket
import time
from typing import Any

TAKE_TIME = "aa.take_time"  # in the environment of a request: let it come as long as it does


class Incoming(io.RawIOBase):
    """The bytes that a socket receives.

    Args:
        connection: whose timeout is that of a single wait.
        within: seconds for all reads together, unless `take_time` is called.
    """

    def __init__(self, connection: socket.socket, within: float) -> None:
        self._connection, self._until = connection, time.monotonic() + within

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive some bytes.

        Raises:
            TimeoutError: they have not come in time.
        """
        quiet, left = self._connection.gettimeout(), self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("this request takes too long to come")
        self._connection.settimeout(left if quiet is None else min(left, quiet))
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(quiet)

    def take_time(self) -> None:
        """Let the rest come as long as it does."""
        self._until = float("inf")

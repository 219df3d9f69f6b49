"""Alerts of a run: a webhook and a command that are told what has come of it.

They are told from a thread, within a time, and not too often. Whatever goes wrong with it is a line
in the log, once: no run waits for them, and none fails of them.
"""

import json
import logging
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from aa.errors import one_line
from aa.processes import undisturbed

log = logging.getLogger(__name__)

FINISHED, FAILED, SKIPPED = "finished", "failed", "skipped"
SPIKE, STALLED, DISK = "loss_spike", "stalled", "disk"
ENDS = (FINISHED, FAILED)  # events that no limit holds back
AGAIN = 600.0  # seconds until one of a kind is told again
HOUR, MOST_WAITING, LONGEST = 3600.0, 20, 1000  # seconds, alerts, characters
ANSWERS_WITHIN, RUNS_WITHIN, ENDS_WITHIN = 5.0, 30.0, 10.0  # seconds


class Alerts:
    """Tells a webhook and a command of events; as a context, it waits a little at its end.

    Args:
        url: of the webhook, or env:NAME; None for none.
        command: words, in which %text and %event are replaced; None for none.
        per_hour: at most so many, `ENDS` aside.
        name: of the run.
        folder: of it.
        clock: returns seconds.
    """

    def __init__(
        self,
        url: str | None,
        command: Sequence[str] | None,
        *,
        per_hour: int,
        name: str,
        folder: str | Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url, self.command, self.per_hour, self.clock = url, command, per_hour, clock
        self.about = {"run": name, "folder": str(folder), "host": socket.gethostname()}
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._told: deque[float] = deque()
        self._last: dict[str, float] = {}  # of each event, when it was told
        self._held_back = 0
        self._complaints: set[str] = set()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Alerts":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def tell(self, event: str, text: str, **facts: float | str | None) -> None:
        """Tell of an event, soon and without waiting, unless there are too many.

        Args:
            event: its kind, one of those above.
            text: for people.
            facts: further plain values, for programs.
        """
        if not self._may(event):
            self._held_back += 1
            return
        more = f" ({self._held_back} alerts were held back)" if self._held_back else ""
        where = f"{self.about['run']} ({self.about['folder']}) on {self.about['host']}"
        line = one_line(f"aa: {where}: {text}")[:LONGEST]
        self._put({"text": line + more, "event": event, **self.about, **facts})

    def close(self, within: float = ENDS_WITHIN) -> None:
        """Return when all has been told, or after so many seconds."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._waiting.put_nowait(None)
                self._thread.join(within)

    def _may(self, event: str) -> bool:
        now = self.clock()
        while self._told and now - self._told[0] >= HOUR:
            self._told.popleft()
        if event in ENDS:
            return True
        if now - self._last.get(event, -AGAIN) < AGAIN or len(self._told) >= self.per_hour:
            return False
        self._last[event] = now
        self._told.append(now)
        return True

    def _put(self, message: dict[str, Any]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
            with undisturbed():  # signals are the main thread's: this one inherits that they wait
                self._thread.start()
        try:
            self._waiting.put_nowait(message)
            self._held_back = 0
        except queue.Full:
            self._held_back += 1

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            if self.url:
                self._try("alerts.url", _post, self.url, message)
            if self.command:
                self._try("alerts.command", _start, self.command, message)

    def _try(self, name: str, send: Callable[..., None], *arguments: Any) -> None:
        try:
            send(*arguments)
        except Exception as error:
            self._complain(name, error)

    def _complain(self, name: str, error: Exception) -> None:
        """Say once what is wrong; the address of a webhook is a secret, and libraries name it."""
        known = isinstance(error, _NotTold)
        line = f"{name}: nobody was told ({error if known else type(error).__name__})"
        if line not in self._complaints:
            self._complaints.add(line)
            log.warning("%s", one_line(line))


class _NotTold(Exception):  # noqa: N818 its message is for the user
    """The other side has not taken an alert; the message names no secret."""


def _post(url: str, message: Mapping[str, Any]) -> None:
    """Post a message as JSON; `text` is what Slack and its likes show."""
    import requests  # deferred: only who tells of something needs it

    kind, _, name = url.partition(":")
    address = os.environ.get(name) if kind == "env" else url
    if not address:
        raise _NotTold(f"there is no {name} in the environment")
    shown = {**message, "text": _without_markup(str(message["text"]))}
    with requests.post(
        address, json=shown, timeout=ANSWERS_WITHIN, allow_redirects=False, stream=True
    ) as answer:
        if not 200 <= answer.status_code < 300:
            raise _NotTold(f"the address answered {answer.status_code}")


def _without_markup(text: str) -> str:
    """A text in which Slack finds no link and calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _start(words: Sequence[str], message: Mapping[str, Any]) -> None:
    """Run a command with the message in its words and, as JSON, on its standard input."""
    given = {"%text": str(message["text"]), "%event": str(message["event"])}
    try:
        process = subprocess.Popen(
            [given.get(word, word) for word in words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise _NotTold(f"{words[0]}: {error.strerror}") from error
    try:
        process.communicate(json.dumps(message).encode(), timeout=RUNS_WITHIN)
    except subprocess.TimeoutExpired as error:
        raise _NotTold(f"{words[0]} took more than {RUNS_WITHIN:g} s") from error
    finally:
        with suppress(OSError):  # what it started in the background ends too
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        raise _NotTold(f"{words[0]} ended with {process.returncode}")

"""Reason why a process of a group ended, in one line: its own before that of who lost it."""

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from aa.errors import one_line

# Kinds of reasons, the best first: what a user can fix, what went wrong in a process itself, that
# a host has gone, that somebody else has gone (which is all that the others of a group know).
USER, OWN, HOST, PEER = range(4)
NAMED = re.compile(r"(error: |what\(\): |[\w.]*(Error|Exception|Interrupt)\b)")
# Gloo, NCCL and the store that a group meets at, when another process of it is not there any more.
LOST = re.compile(
    r"gloo/|NCCL|nccl|[Tt][Cc][Pp]_?([Ss]tore|utils)|TCP (send|receive) error|"
    r"[Cc]onnection (reset|refused)|Broken pipe"
)
GLOO = re.compile(r"gloo/.*TIMEOUT .*pair_rank = (-?\d+) peer_str = \[?([\w.:]+)")
WAITED = "gloo waits 30 s"  # Paddle has no setting for it


@dataclass(frozen=True, order=True)
class Reason:
    """Reason why a group ended; the least of several is reported.

    Attributes:
        kind: USER, OWN, HOST or PEER.
        since: when it was noticed, in seconds.
        line: for the user.
    """

    kind: int
    since: float
    line: str


def reason_of(rank: int, code: int, log: Path, since: float) -> Reason:
    """The reason of a process that has ended by itself with a code other than 0.

    Args:
        rank: its place in the group.
        code: its exit code, negative for a signal.
        log: what it has printed.
        since: when that was noticed.
    """
    said = last_error(log)
    if said.startswith("error: "):
        return Reason(USER, since, said.removeprefix("error: "))
    if said and LOST.search(said):
        return Reason(PEER, since, f"process {rank} {_lost(said)}")
    if said and (code > 0 or code == -signal.SIGABRT):
        return Reason(OWN, since, f"process {rank}: {said}")
    name = signal.Signals(-code).name if code < 0 else f"code {code}"
    advice = ": killed, or out of memory" if code == -signal.SIGKILL else ""
    return Reason(OWN, since, f"process {rank} ended without a word ({name}){advice}")


def _lost(said: str) -> str:
    """Say that a process has lost another one, with the library's own words."""
    found = GLOO.search(said)
    if found and int(found[1]) >= 0:
        return f"lost process {found[1]} at {found[2].rpartition(':')[0] or found[2]}: {said}"
    if found:
        return f"waited for the others in vain ({WAITED}): {said}"
    return f"lost the others: {said}"


def last_error(log: Path) -> str:
    """The last line of a log that names an error; empty where none does."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    found = [line.strip() for line in lines if NAMED.match(line.strip())]
    # Paddle's summary of a signal says nothing; what() of before does.
    told = [line for line in found if "is detected by the operating system" not in line]
    return one_line(told[-1].removeprefix("what(): ").strip()) if told else ""

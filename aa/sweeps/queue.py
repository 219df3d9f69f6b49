"""Slurm's queue, as its controller reports it; it needs no accounting data base."""

import os
import subprocess
from dataclasses import dataclass

ANSWER_WITHIN = 60  # seconds
# States of a job that will not go on by itself. Any other, and there are many, is on its way.
ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}


@dataclass(frozen=True)
class Queued:
    """A job as the controller knows it: its state, and why it does not run."""

    state: str
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Return whether it will not go on by itself."""
        return self.state in ENDED

    @property
    def on_hold(self) -> bool:
        """Return whether somebody has to release it: Slurm holds a job that it could not start."""
        return self.state in ("PENDING", "REQUEUE_HOLD", "SPECIAL_EXIT") and (
            "held" in self.reason.lower()
        )


def read_queue() -> dict[str, Queued] | None:
    """{id: `Queued`} of this user's jobs, for some minutes after their end too.

    An id is 12, or 12_3 in an array. None where the controller gives no answer.
    """
    words = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"]
    said = _ask([*words, "--format=%i|%T|%r"])
    if said is None:
        return None
    lines = [line.strip().split("|", 2) for line in said.splitlines()]
    return {line[0]: Queued(*line[1:]) for line in lines if len(line) == 3}


def queue_again(number: str) -> bool:
    """Queue a job again that has ended, or ends now; return whether that was possible."""
    return _ask(["scontrol", "requeue", number]) is not None


def _ask(words: list[str]) -> str | None:
    """Output of a command of Slurm's, None where it fails."""
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWER_WITHIN
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

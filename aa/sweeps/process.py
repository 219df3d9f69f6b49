"""A process whose output is kept, shown if wanted, and stopped with this one. No paddle."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from aa.interrupts import Wish, handling, wishes
from aa.processes import FORWARDED, end_with_parent

LOOK_EVERY = 0.1  # seconds, at what a process prints


def run_process(command, output, environment, *, alone):
    """Run a command to its end; SIGINT, SIGTERM and SIGHUP to this process stop it softly.

    It is asked to stop once, by SIGTERM, and ended at the second wish, see `Wishes`. If this
    process is killed, it is asked to stop too; it writes into the file itself, so that it can still
    say so.

    Args:
        command: the words.
        output: path of the file that all it prints is added to.
        environment: of the process.
        alone: it is the only one: what it prints is shown as well, and signals of the terminal are
            for it; else only SIGTERM is, for the terminal speaks to the command that started all.

    Returns:
        its exit code, negative for a signal, and the number of the first signal that came, or None.
    """
    with open(output, "ab") as file, open(output, "rb") as written:
        written.seek(0, os.SEEK_END)
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        with _forwarded(child, FORWARDED if alone else (signal.SIGTERM,)) as received:
            try:
                while not _has_ended(child):
                    alone = alone and _show(written)
                if alone:
                    _show(written)
            finally:
                if child.poll() is None:
                    child.terminate()
                    child.wait()
    return child.returncode, received[0] if received else None


def _has_ended(child):
    try:
        child.wait(LOOK_EVERY)
    except subprocess.TimeoutExpired:
        return False
    return True


def _show(written):
    """Print what has been written since; whether anybody listens."""
    try:
        sys.stdout.write(written.read().decode(errors="replace"))
        sys.stdout.flush()
    except BrokenPipeError:  # `... | head`
        return False
    return True


@contextmanager
def _forwarded(child, signals):
    """Pass signals to this process on; yields the list of those that came."""
    received = []

    def forward(number, frame):
        wish = wishes.hear(number)
        received.append(number)
        if wish is Wish.STOP:
            child.send_signal(signal.SIGTERM)
        elif wish is Wish.AT_ONCE:
            child.kill()

    with handling(signals, forward):
        yield received

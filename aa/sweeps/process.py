"""A process whose output is kept, shown if wanted, and stopped with this one. No paddle."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

from aa.launch import FORWARDED, end_with_parent

ERROR = re.compile(r"(error: |[\w.]*(Error|Exception)\b)")
TAIL = 65536  # bytes of a file's end that are read
LOOK_EVERY = 0.1  # seconds, at what a process prints


def run_process(command, output, environment, *, echo):
    """Run a command to its end; SIGINT, SIGTERM and SIGHUP to this process stop it softly.

    It is asked to stop once, by SIGTERM, and ended at the second signal. If this process is killed,
    it is asked to stop too; it writes into the file itself, so that it can still say so.

    Args:
        command: the words.
        output: path of the file that all it prints is added to.
        environment: of the process.
        echo: show that as well.

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
        with _forwarded(child) as received:
            try:
                while not _has_ended(child):
                    _show(written, echo)
                _show(written, echo)
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


def _show(written, echo):
    if echo:
        sys.stdout.write(written.read().decode(errors="replace"))
        sys.stdout.flush()


def last_error(output, code):
    """Why a process of this exit code ended, in one line, from the end of what it printed."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}: killed, or out of memory"
    for line in reversed(last_lines(output)):
        if ERROR.match(line.strip()):
            return line.strip().removeprefix("error: ")
    return f"ended with exit code {code} and without a word"


def last_lines(output, most=50):
    """The last lines of a file; of a bar, which writes over itself, the last state."""
    with open(output, "rb") as file:
        file.seek(max(0, os.path.getsize(output) - TAIL))
        lines = file.read().decode(errors="replace").split("\n")
    return [line.rstrip("\r").rpartition("\r")[2] for line in lines if line.strip()][-most:]


@contextmanager
def _forwarded(child):
    """Pass signals to this process on; yields the list of those that came."""
    received = []

    def forward(number, frame):
        received.append(number)
        child.send_signal(signal.SIGTERM if len(received) == 1 else signal.SIGKILL)

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield received
        return
    heard = [number for number in FORWARDED if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, forward) for number in heard}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A process whose output is kept, shown if wanted, and stopped with this one. No paddle."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import contextmanager

from aa.launch import FORWARDED, end_with_parent

ERROR = re.compile(r"(error: |[\w.]*(Error|Exception)\b)")
REMEMBERED = 50  # lines
CHUNK = 65536  # bytes


class LastWords:
    """The last lines of what a process says; of a bar, which writes over itself, the last state."""

    def __init__(self):
        self.lines, self.rest = deque(maxlen=REMEMBERED), ""

    def hear(self, data):
        """Take the next bytes."""
        *whole, self.rest = (self.rest + data.decode(errors="replace")).split("\n")
        self.lines.extend(line.rstrip("\r").rpartition("\r")[2] for line in whole)

    def error(self, code):
        """Why a process of this exit code ended, in one line."""
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}: killed, or out of memory"
        for line in reversed([*self.lines, self.rest]):
            if ERROR.match(line.strip()):
                return line.strip().removeprefix("error: ")
        return f"ended with exit code {code} and without a word"


def run_process(command, output, environment, *, echo, words):
    """Run a command to its end; SIGINT, SIGTERM and SIGHUP to this process stop it softly.

    It is asked to stop once, by SIGTERM, and ended at the second signal. If this process is killed,
    it is asked to stop too.

    Args:
        command: the words.
        output: path of the file that all it prints is added to.
        environment: of the process.
        echo: show that as well.
        words: a `LastWords` that hears it.

    Returns:
        its exit code, negative for a signal, and the number of the first signal that came, or None.
    """
    with open(output, "ab") as file:
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        assert child.stdout
        with child.stdout, _forwarded(child) as received:
            try:
                while data := os.read(child.stdout.fileno(), CHUNK):
                    file.write(data)
                    file.flush()
                    words.hear(data)
                    if echo:
                        sys.stdout.buffer.write(data)
                        sys.stdout.flush()
                child.wait()
            finally:
                if child.poll() is None:
                    child.terminate()
                    child.wait()
    return child.returncode, received[0] if received else None


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

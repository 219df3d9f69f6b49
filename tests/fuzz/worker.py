"""A forked process that reads mutants one after the other and tells what came of each."""

import json
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass

from tests.fuzz.examine import Examiner
from tests.fuzz.meter import Output, limit
from tests.fuzz.place import Place

MOST_MUTANTS = 2000  # of one process: what it leaks stays small


@dataclass
class Worker:
    """A process as its parent sees it: its pipe, and the number that it is at."""

    pid: int
    pipe: int
    stacks: str  # file with the place in which a slow reader is
    current: int | None = None
    since: float = 0.0
    rest: bytes = b""  # of a line that is not whole yet

    def messages(self):
        """What it has told since the last call, as values; None when it has ended."""
        content = os.read(self.pipe, 2**20)
        if not content:
            return None
        *lines, self.rest = (self.rest + content).split(b"\n")
        return [json.loads(line) for line in lines]

    def kill(self):
        """End it, whatever it does."""
        os.kill(self.pid, signal.SIGKILL)


def start(kind, source, numbers, audit, home, *, deadline):
    """Fork a `Worker`.

    Args:
        kind: prepared.
        source: of mutants.
        numbers: range of those to read.
        audit: that has learned what our own code does.
        home: a new folder.
        deadline: of `time.monotonic`, after which no other mutant is begun.
    """
    place = Place(home)
    stacks = f"{home}.stacks"
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Worker(pid, reading, stacks, since=time.monotonic())
    code = 1
    try:
        os.close(reading)
        _work(_examiner(kind, place, audit, stacks), source, numbers, writing, deadline)
        code = 0
    except BaseException as error:
        os.write(writing, json.dumps({"broken": repr(error)}).encode() + b"\n")
    finally:
        os._exit(code)


def _work(examiner, source, numbers, pipe, deadline):
    for count, number in enumerate(numbers):
        if count == MOST_MUTANTS or time.monotonic() > deadline:
            return
        _tell(pipe, {"begin": number})
        verdict = examiner.examine(source[number])
        _tell(pipe, {"verdict": verdict.to_json()})


def _examiner(kind, place, audit, stacks):
    """Make this process the world of the mutants."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    sys.dont_write_bytecode = True
    output = Output()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s", force=True)
    place.enter()
    limit()
    return Examiner(kind, place, audit, output, stacks)


def _tell(pipe, message):
    os.write(pipe, json.dumps(message).encode() + b"\n")

"""A case of bad input: how it is made, and the line that a user reads about it."""

import contextlib
import os
import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from aa.config.explain import explain
from aa.config.primary import TrainConfig
from aa.errors import UserError

ROOT = Path(__file__).parents[2]
MOST_MEMORY = 2 * 2**30  # bytes more than before: a bomb fails in the test, not the machine
CASES = []


@dataclass(frozen=True)
class Case:
    """`prepare` writes files into the working folder and returns the function that reads them.

    That function raises a UserError, or returns the line of a runner that it has started.
    """

    kind: str  # of input: a heading of the table
    name: str
    prepare: Callable

    def line(self, folder):
        """What a user reads, with a neutral name in the place of `folder`.

        Raises:
            AssertionError: the input was taken, or files were written or code was run by it.
        """
        with working_in(folder):
            read = self.prepare()
            before = sorted(Path().rglob("*"))
            with limited_memory():
                line = _refusal(read)
            written = {p.as_posix() for p in set(Path().rglob("*")) - set(before)}
        left = {p for p in written if not p.startswith("run")}  # of runners: their run folder
        assert not left, f"{self.name}: wrote {left}"
        return line.replace(os.path.realpath(folder), "/data").replace(str(folder), "/data")


def bad(kind, name):
    """Decorator: add a function as the case of that name."""

    def add(prepare):
        assert name not in [case.name for case in CASES], name
        CASES.append(Case(kind, name, prepare))
        return prepare

    return add


def _refusal(read):
    try:
        line = read()
    except (UserError, HydraException, OmegaConfBaseException) as error:
        return explain(error, TrainConfig)
    assert isinstance(line, str), f"taken without a word: {line!r}"
    return line


@contextlib.contextmanager
def working_in(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def limited_memory():
    """Address space of this process is `MOST_MEMORY` more than now at most."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def without_rights():
    """As a user to whom permissions apply; root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def new_folder():
    """A temporary folder, for a script that has no fixtures."""
    return tempfile.TemporaryDirectory(prefix="bad_input_")

"""The file that keeps what was read of runs: hidden, in the folder that they are below.

A head of two hashes, of the code that reads runs and of the rest of the file, and behind it a frame
for each run: its folder's name, the mark of its files and what was read of them. The file is one
user's and nobody else's, and is a cache: what of it is wrong in any way counts as not there.
"""

import hashlib
import logging
import math
import os
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import msgspec

from aa.errors import UserError
from aa.files import open_inside
from aa.runs.disk import MARK_BYTES
from aa.runs.jobs import is_run
from aa.runs.kinds import Count, Line, Name, Plain, Whole
from aa.runs.metrics import Metric
from aa.runs.notes import Notes
from aa.runs.plain_values import check_plain
from aa.runs.summary import Run
from aa.runs.work import Work

log = logging.getLogger(__name__)

DIGEST = 16  # bytes
FRAME = struct.Struct(f"<HI{MARK_BYTES}s")  # bytes of the name and of the run, and the mark
MOST_FILE, MOST_RUN = 512_000_000, 1_000_000  # bytes; a run of a training has some 5,000
PARTIAL, LEFT = ".partial", 3600.0  # ends its name while it is written, for less than these seconds


@dataclass(frozen=True)
class Kept:
    """A run as it was read, and the mark that its files had then, see `aa.runs.disk.look`."""

    mark: bytes
    run: Run


class _Stored(msgspec.Struct, array_like=True):
    """A run in the file: what does not follow from where its folder is."""

    kind: Line
    state: Name
    config: Plain
    home: Line
    overrides: list[Line]
    step: Whole | None
    steps: Whole | None
    stage: Name
    metric: Name | None
    metrics: dict[Name, tuple[float, Whole | None]]
    work: tuple[Count, Count, Count, float | None]
    notes: Notes
    seconds: float | None
    error: Line | None
    changed: float
    size: Count | None


@dataclass(frozen=True)
class Frame:
    """A run in the file, not looked at yet."""

    mark: bytes
    content: memoryview

    def open(self, mark: bytes, folder: Path, sweep: Path | None) -> Kept | None:
        """The run, if its files still have the mark; None where it is another or damaged."""
        if mark != self.mark or len(self.content) > MOST_RUN:
            return None
        try:
            return Kept(mark, _run(_decoder().decode(self.content), folder, sweep))
        except (ValueError, RecursionError):
            return None


class IndexFile:
    """The index of the runs below a folder.

    Args:
        outputs: the folder.
    """

    def __init__(self, outputs: Path) -> None:
        self.outputs, self.name = outputs, f".runs-{os.geteuid()}"

    def read(self, folders: Iterable[Path]) -> dict[Path, Frame]:
        """What the file has of run folders; nothing where it is lost, damaged or of other code."""
        wanted = {_key(folder, self.outputs): folder for folder in folders}
        try:
            with open(open_inside(self.outputs, self.name), "rb") as file:
                status = os.fstat(file.fileno())
                if status.st_uid != os.geteuid() or status.st_size > MOST_FILE:
                    return {}
                content = file.read(MOST_FILE)
        except (OSError, UserError):
            return {}
        body = memoryview(content)[2 * DIGEST :]
        if content[: 2 * DIGEST] != _reading_code() + _digest(body):
            return {}
        return {wanted[key]: frame for key, frame in _frames(body) if key in wanted}

    def write(self, kept: Iterable[Kept]) -> None:
        """Replace the file by another, whoever else does; where none can be written, go without."""
        if is_run(self.outputs):  # whose files are its own
            return
        body = b"".join(_framed(one, self.outputs) for one in kept)
        partial = None
        try:
            self._remove_left()
            prefix = f"{self.name}."
            number, partial = tempfile.mkstemp(PARTIAL, prefix, self.outputs)
            with open(number, "wb") as file:
                file.write(_reading_code() + _digest(body) + body)
            os.replace(partial, self.outputs / self.name)
        except OSError as error:
            log.debug("%s: no index of its runs is kept (%s)", self.outputs, error.strerror)
            if partial is not None:
                with suppress(OSError):
                    os.unlink(partial)

    def _remove_left(self) -> None:
        """Delete what processes that were killed have left half-written."""
        for path in self.outputs.glob(f"{self.name}.*{PARTIAL}"):
            with suppress(OSError):
                if time.time() - path.lstat().st_mtime > LEFT:
                    path.unlink()


def _key(folder: Path, outputs: Path) -> bytes:
    return os.fsencode(folder.relative_to(outputs))


def _frames(body: memoryview) -> Iterator[tuple[bytes, Frame]]:
    """Yield (name of a folder, frame) until the end, or what is none."""
    place = 0
    while place + FRAME.size <= len(body):
        name, content, mark = FRAME.unpack_from(body, place)
        place += FRAME.size
        end = place + name + content
        if end > len(body):
            return
        yield bytes(body[place : place + name]), Frame(mark, body[place + name : end])
        place = end


def _framed(kept: Kept, outputs: Path) -> bytes:
    """A run as a frame; nothing of one that does not fit."""
    key, run = _key(kept.run.folder, outputs), kept.run
    stored = _Stored(
        kind=run.kind,
        state=run.state,
        config=run.config,
        home=str(run.home),
        overrides=run.overrides,
        step=run.step,
        steps=run.steps,
        stage=run.stage,
        metric=run.metric and run.metric[0],
        metrics={name: (metric.value, metric.step) for name, metric in run.metrics.items()},
        work=astuple(run.work),
        notes=run.notes,
        seconds=run.seconds,
        error=run.error,
        changed=run.changed,
        size=run.known_size,
    )
    try:
        content = msgspec.msgpack.encode(stored)
    except (ValueError, OverflowError):  # half a character in a path
        return b""
    if len(content) > MOST_RUN:
        return b""
    return FRAME.pack(len(key), len(content), kept.mark) + key + content


def _run(stored: _Stored, folder: Path, sweep: Path | None) -> Run:
    """The run of a folder.

    Raises:
        ValueError: it holds what no reader of a run folder lets pass.
    """
    check_plain(stored.config)
    name = stored.metric
    numbers = [stored.changed, *(value for value, _ in stored.metrics.values())]
    if not all(map(math.isfinite, numbers)) or name not in (None, *stored.metrics):
        raise ValueError("a metric that is no number")
    return Run(
        folder=folder,
        sweep=sweep,
        kind=stored.kind,
        state=stored.state,
        config=stored.config,
        home=Path(stored.home),
        overrides=stored.overrides,
        step=stored.step,
        steps=stored.steps,
        stage=stored.stage,
        metric=None if name is None else (name, stored.metrics[name][0]),
        metrics={name: Metric(*found) for name, found in stored.metrics.items()},
        work=Work(*stored.work),
        notes=stored.notes,
        seconds=stored.seconds,
        error=stored.error,
        changed=stored.changed,
        counted=stored.size,
    )


@cache
def _decoder() -> "msgspec.msgpack.Decoder[_Stored]":
    return msgspec.msgpack.Decoder(_Stored)


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


@cache
def _reading_code() -> bytes:
    """A hash of the code that reads runs: another may find other things in the same files."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), here.parent / "config/evaluation.py"]
    return _digest(b"".join(file.read_bytes() for file in files))

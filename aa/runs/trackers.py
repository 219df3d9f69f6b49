"""Who records a training beside `metrics.jsonl`: one interface for VisualDL and for all others.

VisualDL is part of every run. Others are chosen by name: MLflow, and what installed packages offer
as entry points of the group `aa.trackers`. They work in a thread of their own: no step waits for
one, and what goes wrong with one is a line in the log, after which the run goes on without it.
"""

import importlib
import logging
import queue
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypedDict

from msgspec import Meta

from aa.config.trackers import BUILT_IN, GROUP
from aa.errors import UserError, one_line, reason
from aa.files import write_json
from aa.processes import undisturbed
from aa.runs.kinds import Name
from aa.runs.layout import TRACKERS
from aa.runs.reading import find_record

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

MOST_WAITING, ENDS_WITHIN = 1000, 10.0  # calls, seconds
IDENTITY = r"^\w[\w.-]{0,99}$"
Identity = Annotated[str, Meta(pattern=IDENTITY)]
_WRITING = threading.Lock()  # of the file of identities, which all trackers share


@dataclass(frozen=True)
class TrackedRun:
    """A training as trackers are told of it.

    Attributes:
        folder: of the run, or of its stage.
        name: of the run.
        config: {dotted key: value} of what decides it.
        hyper_parameters: what sets it apart from others.
        metrics: the scalars to compare it by, as "val/loss".
        identity: what the tracker has called it before, or None.
    """

    folder: Path
    name: str
    config: Mapping[str, Any]
    hyper_parameters: Mapping[str, float | str]
    metrics: list[str]
    identity: str | None = None


class Tracker(Protocol):
    """Records one training; its methods are called in order, `begin` first and `end` last."""

    def begin(self, run: TrackedRun) -> str | None:
        """Begin a run, or go on with the one that has this identity; return its identity."""
        ...

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Record finite numbers of a step."""
        ...

    def image(self, tag: str, image: "np.ndarray", step: int) -> None:
        """Record an image, uint8 [H, W, 3]."""
        ...

    def file(self, kind: str, path: Path, step: int) -> None:
        """Record that a file or folder was written: a "sample" or a "checkpoint"."""
        ...

    def flush(self) -> None:
        """Return when what was recorded is out of this process."""
        ...

    def end(self, state: str) -> None:
        """End: "done", "failed" or "interrupted", see `aa.runs.outcomes`."""
        ...


class Identities(TypedDict, total=False):
    """`trackers.json`: what trackers call a run."""

    identities: dict[Name, Identity]


def make_trackers(names: Iterable[str], folder: str | Path) -> list["Background"]:
    """The trackers of these names for a run; one that cannot be made is a line in the log.

    Args:
        names: of the config, checked.
        folder: of the run, or of its stage.
    """
    made = []
    for name in names:
        try:
            made.append(Background(name, _factory(name)(), Path(folder)))
        except Exception as error:
            _complain(name, error)
    return made


def _factory(name: str) -> Callable[[], Tracker]:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    (point,) = metadata.entry_points(group=GROUP, name=name)
    return point.load()


class Background:
    """A tracker in a thread of its own; its first error is told, and then nothing is asked of it.

    Args:
        name: of the tracker.
        tracker: used by the thread alone.
        folder: of the run; keeps the identity.
    """

    def __init__(self, name: str, tracker: Tracker, folder: Path) -> None:
        self.name, self.tracker, self.folder = name, tracker, folder
        self._waiting: queue.Queue[Callable[[], object] | None] = queue.Queue(MOST_WAITING)
        self._failed = False
        self._thread = threading.Thread(target=self._run, name=f"tracker {name}", daemon=True)

    def begin(self, run: TrackedRun) -> None:
        """Begin, or go on."""
        with undisturbed():  # signals are the main thread's
            self._thread.start()
        self._put(lambda: self._begin(run))

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Record finite numbers of a step."""
        self._put(lambda: self.tracker.scalars(group, values, step))

    def image(self, tag: str, image: "np.ndarray", step: int) -> None:
        """Record an image, uint8 [H, W, 3]."""
        self._put(lambda: self.tracker.image(tag, image, step))

    def file(self, kind: str, path: Path, step: int) -> None:
        """Record that a file or folder was written."""
        self._put(lambda: self.tracker.file(kind, path, step))

    def flush(self) -> None:
        """Ask for it, and wait for nothing."""
        self._put(self.tracker.flush)

    def end(self, state: str) -> None:
        """End what has begun, and wait a little until all is recorded."""
        if self._thread.ident is None:
            return
        self._put(lambda: self.tracker.end(state))
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(ENDS_WITHIN)
        if self._thread.is_alive() and not self._failed:
            self._failed = True
            _complain(self.name, TimeoutError(f"it took more than {ENDS_WITHIN:g} s at the end"))

    def _begin(self, run: TrackedRun) -> None:
        before = _identities(self.folder).get(self.name)
        identity = self.tracker.begin(replace(run, identity=before))
        if identity is None or identity == before:
            return
        if not re.fullmatch(IDENTITY, identity):
            raise ValueError(f"it calls the run {identity!r}; expected letters, digits, _, . and -")
        with _WRITING:  # others begin at the same time
            known = _identities(self.folder)
            write_json(self.folder / TRACKERS, {"identities": {**known, self.name: identity}})

    def _put(self, call: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            self._fail(RuntimeError(f"{MOST_WAITING} calls wait for it"))

    def _run(self) -> None:
        while (call := self._waiting.get()) is not None:
            if not self._failed:
                try:
                    call()
                except Exception as error:
                    self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failed = True
        _complain(self.name, error)


def _identities(folder: Path) -> dict[str, str]:
    """What trackers have called a run before; nothing of a file that is damaged."""
    with suppress(UserError, OSError):
        return dict((find_record(folder, TRACKERS, Identities) or {}).get("identities", {}))
    return {}


def _complain(name: str, error: Exception) -> None:
    said = one_line(f"{type(error).__name__}: {reason(error)}")[:300]
    log.warning("trackers: %s records nothing from here on (%s); the run goes on", name, said)

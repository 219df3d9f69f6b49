"""Pose checks: the ordinary command with `poses_only=true`, and the form that it was made from."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypedDict

from aa.app.commands import overrides, words
from aa.app.wishes import Wish
from aa.app.worker import environment
from aa.errors import UserError
from aa.files import write_json
from aa.inference.driving import OVERLAY, POSES
from aa.runs.jobs import short
from aa.runs.kinds import Line, Name
from aa.runs.lock import holder, is_held
from aa.runs.outcomes import DONE, FAILED, INTERRUPTED, RUNNING, read_outcome
from aa.runs.reading import find_record, read_json
from aa.runs.words import error_line

KEPT = 100  # checks
NAME = re.compile(r"[0-9a-f]{12}")


class Form(TypedDict):
    """The values of a form, as texts."""

    values: dict[Name, Line]


@dataclass(frozen=True)
class Check:
    """A pose check as its files tell.

    Attributes:
        name: that it is called by.
        values: of the form.
        state: RUNNING, DONE, FAILED or INTERRUPTED.
        error: why it failed.
        overlay: the first skeleton over the picture, where there is one.
        warnings: lines.
        cleaned: what cleaning has done, in words.
        stopped: whether it was told to end.
    """

    name: str
    values: dict[str, str]
    state: str
    error: str | None
    overlay: Path | None
    warnings: list[str]
    cleaned: str
    stopped: bool


class Checks:
    """The pose checks in a folder; hidden from the list of runs.

    Args:
        home: the folder, made if it is not there.
        poses: where detected poses are kept for the animation.
    """

    def __init__(self, home: Path, poses: Path) -> None:
        self.home, self.poses = home, poses
        self.home.mkdir(parents=True, exist_ok=True)
        self._alone = threading.Lock()  # one at a time
        self._begun: dict[str, subprocess.Popen[bytes] | None] = {}  # None of one that waits
        self._stopped: set[str] = set()
        self._changing = threading.Lock()  # for a moment: what has begun, and what is kept
        self._prune()

    def begin(self, wish: Wish, values: dict[str, str]) -> str:
        """Begin a check; return its name."""
        name = secrets.token_hex(6)
        (self.home / name).mkdir()
        write_json(self.home / f"{name}.json", Form(values=values))
        arguments = [*wish.arguments(), *self.cache(), "poses_only=true"]
        arguments += overrides({"hydra.run.dir": short(self.home / name)})
        with self._changing:
            self._begun[name] = None
            self._prune()
        threading.Thread(target=self._run, args=(name, arguments), daemon=True).start()
        return name

    def stop(self, name: str) -> None:
        """Stop a check, whether it runs or waits. Twice: kill it.

        Raises:
            UserError: there is none.
        """
        self.check(name)
        with self._changing:
            how = signal.SIGKILL if name in self._stopped else signal.SIGTERM
            if process := self._begun.get(name):
                self._stopped.add(name)
                process.send_signal(how)
            elif name in self._begun:
                del self._begun[name]
            elif (left := holder(self.home / name)) is not None:  # by an earlier server
                self._stopped.add(name)
                with suppress(ProcessLookupError):
                    os.kill(left, how)

    def cache(self) -> list[str]:
        """The override that lets an animation take the poses that a check has detected."""
        return overrides({"poses.cache_dir": short(self.poses)})

    def check(self, name: str) -> Check:
        """A check by its name.

        Raises:
            UserError: there is none.
        """
        form = None
        if NAME.fullmatch(name):
            with suppress(UserError, OSError):
                form = find_record(self.home, f"{name}.json", Form)
        if form is None:
            raise UserError("there is no such check of poses.")
        folder, outcome = self.home / name, read_outcome(self.home / name)
        state = outcome["state"] if outcome else INTERRUPTED
        if self._runs(name):
            state = RUNNING
        error = outcome["error"] if outcome else None
        if state == FAILED or (state == INTERRUPTED and error is None):
            with suppress(OSError, UserError):
                error = error or error_line(self.home / f"{name}.log")
        overlay = next(iter(sorted((folder / POSES).glob(f"*{OVERLAY}"))), None)
        reports = _reports(folder) if state == DONE else []
        values, said = form["values"], _warnings(reports)
        stopped = name in self._stopped
        return Check(name, values, state, error, overlay, said, _cleaned(reports), stopped)

    def _run(self, name: str, arguments: list[str]) -> None:
        try:
            with self._alone, open(self.home / f"{name}.log", "wb") as output:
                with self._changing:
                    if name not in self._begun:  # stopped while it waited
                        return
                    process = self._begun[name] = _start(arguments, output)
                process.wait()
        finally:
            with self._changing:
                self._begun.pop(name, None)

    def _runs(self, name: str) -> bool:
        return name in self._begun or is_held(self.home / name)

    def _prune(self) -> None:
        """Delete the oldest checks beyond those that are kept, but none that runs."""
        for path in sorted(self.home.glob("*.json"), key=os.path.getmtime)[:-KEPT]:
            if not self._runs(path.stem):
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                for ending in (".json", ".log"):
                    path.with_suffix(ending).unlink(missing_ok=True)


def _start(arguments: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words("infer", arguments),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _reports(folder: Path) -> list[dict[str, Any]]:
    """What was done with the poses of each case."""
    found = []
    for path in sorted((folder / POSES).glob("*.json")):
        with suppress(UserError, OSError):
            found.append(read_json(path))
    return found


def _warnings(reports: list[dict[str, Any]]) -> list[str]:
    """What alignment warns of; parts of the body of which the same is said share a line."""
    parts: dict[str, list[str]] = {}
    for report in reports:
        alignment = report.get("alignment")
        for line in alignment.get("warnings", []) if isinstance(alignment, dict) else ():
            part, _, said = str(line).rpartition(": ")
            parts.setdefault(said, []).append(part)
    return [": ".join(filter(None, (", ".join(of), said))) for said, of in parts.items()]


def _cleaned(reports: list[dict[str, Any]]) -> str:
    """What cleaning has done, in words; "" for nothing."""
    done: dict[str, int] = {}
    for report in reports:
        cleaning = report.get("cleaning")
        for key, value in cleaning.items() if isinstance(cleaning, dict) else ():
            if type(value) is int and value:
                done[key] = done.get(key, 0) + value
    return ", ".join(f"{key}: {value}" for key, value in done.items())

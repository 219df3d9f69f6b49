"""A sweep: what its jobs share, and which folder is which job's."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from aa.config.overrides import assignment
from aa.errors import UserError, one_line
from aa.files import write_json
from aa.runs.differences import flat, without_runs
from aa.runs.kinds import Job, Stopped
from aa.runs.layout import JOB, SWEEP
from aa.runs.lock import held_briefly
from aa.runs.outcomes import FAILED, read_outcome
from aa.runs.reading import find_record, read_record
from aa.runs.resume import NOT_DECISIVE

CLAIMS, HELD, STOPPED = ".claims.lock", ".job.lock", "stopped.json"
GIVEN = re.compile(r"[\w.+-]+")  # names of folders, see `plain_name`
LONGEST_NAME = 120  # characters of what a folder's name says of the overrides


@dataclass(frozen=True)
class Sweep:
    """Facts that every job of a sweep must know, whichever process or host it is in.

    Attributes:
        folder: of the sweep.
        runner: absolute path of the runner.
        options: arguments like --config-dir.
        arguments: overrides of the command.
        command: as it was typed, for people.
        swept: keys with several values.
        metric: name of the number that jobs are compared by, or None.
        direction: "min" or "max", whichever is better, or None.
        launcher: name of the class that starts jobs.
        sweeper: "basic", "optuna", ...
        full_error: whether errors are shown with their tracebacks.
        home: working directory that relative paths are meant from.
        started: when this command started, in seconds since 1970.
    """

    folder: str
    runner: str
    options: list[str]
    arguments: list[str]
    command: str
    swept: list[str]
    metric: str | None
    direction: str | None
    launcher: str
    sweeper: str
    full_error: bool
    home: str
    started: float

    @classmethod
    def read(cls, folder: str | Path) -> "Sweep":
        """The sweep of a folder, as `write` left it.

        Raises:
            UserError: there is none, or it is not what a sweep writes.
        """
        sweep = find_record(folder, SWEEP, cls)
        if sweep is None:
            raise UserError(f"{folder}: holds no {SWEEP}, which every sweep writes first.")
        return replace(sweep, folder=str(folder))

    def write(self) -> None:
        """Leave it in its folder, which may be moved later."""
        write_json(Path(self.folder) / SWEEP, asdict(self))

    def jobs(self) -> dict[str, Job]:
        """{name of the folder: what `job.json` says} of every job that was begun, in order.

        One whose record is damaged is not among them: it is claimed anew, see `damaged`.
        """
        found = {}
        for name in self._names():
            with suppress(UserError, FileNotFoundError):
                job = read_record(self.folder, f"{name}/{JOB}", Job)
                if "number" in job:
                    found[name] = job
        return dict(sorted(found.items(), key=lambda item: item[1].get("number", 0)))

    def damaged(self) -> list[str]:
        """Lines about the jobs whose record is damaged."""
        lines = []
        for name in self._names():
            try:
                read_record(self.folder, f"{name}/{JOB}", Job)
            except (UserError, OSError) as error:
                lines.append(str(error))
        return lines

    def _names(self) -> list[str]:
        """Names of jobs' folders; one that no job was given might be more than text to Hydra."""
        names = (file.parent.name for file in Path(self.folder).glob(f"*/{JOB}"))
        return sorted(name for name in names if GIVEN.fullmatch(name))

    def describe(self, config: DictConfig, overrides: Iterable[str]) -> tuple[str, dict[str, Any]]:
        """(signature, {swept key: value}) of a job.

        Equal signatures mean equal results: keys that change no number are left out, unless they
        are swept themselves.

        Args:
            config: of the job, without `hydra`.
            overrides: that make it.
        """
        values = flat(
            without_runs(cast(dict[str, Any], OmegaConf.to_container(config, resolve=True)))
        )
        given = dict(assignment(override) for override in overrides)
        swept = {key: values.get(key, given[key]) for key in self.swept if key in given}
        decisive = {key: value for key, value in values.items() if key not in NOT_DECISIVE}
        apart = {key: value for key, value in swept.items() if key in NOT_DECISIVE}
        text = json.dumps([decisive, apart], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest(), swept

    def claim(self, config: DictConfig, overrides: Iterable[str], number: int) -> str:
        """The folder of a job, made for it: the one it had before, or `<number>_<what is swept>`.

        No other job has its number or its folder, whichever process asks.

        Args:
            config, overrides: see `describe`.
            number: requested; a job that comes to an older sweep may find it taken.
        """
        signature, swept = self.describe(config, overrides)
        with self._alone():
            jobs = self.jobs()
            for name, job in jobs.items():
                if job.get("signature") == signature:
                    return name
            taken = {job.get("number") for job in jobs.values()}
            number = next(n for n in itertools.count(number) if n not in taken)
            values = {key: "null" if value is None else value for key, value in swept.items()}
            said = "_".join(f"{key}-{value}" for key, value in values.items())
            name = f"{number}_{plain_name(said)}".rstrip("_")
            (Path(self.folder) / name).mkdir(exist_ok=True)
            record = {"number": number, "signature": signature, "swept": swept, "attempts": 0}
            write_json(Path(self.folder) / name / JOB, record)
        return name

    def note(self, name: str, **facts: Any) -> dict[str, Any]:
        """Add facts to a job's `job.json`, whoever else does; return what it says then."""
        file = Path(self.folder) / name / JOB
        with self._alone():
            record = {**read_record(self.folder, f"{name}/{JOB}", Job), **facts}
            write_json(file, record)
        return record

    def stop(self) -> None:
        """Let no job begin any more that belongs to the command that runs now."""
        write_json(Path(self.folder) / STOPPED, {"started": self.started})

    def is_stopped(self) -> bool:
        """Return whether the command that runs now is being stopped."""
        try:
            stopped = find_record(self.folder, STOPPED, Stopped)
        except UserError:  # of an earlier command: this one writes it whole
            return False
        return stopped is not None and stopped["started"] == self.started

    def asked(self) -> dict[str, Path]:
        """{name: folder} of the jobs that belong to the command that runs now."""
        return self._marked("asked")

    def has_failed(self, *, but: str | None = None) -> bool:
        """Return whether a job that this command has tried failed, other than one."""
        tried = [folder for name, folder in self._marked("tried").items() if name != but]
        return any(outcome and outcome["state"] == FAILED for outcome in map(read_outcome, tried))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other process change what jobs there are, or what is said of one, meanwhile."""
        with held_briefly(Path(self.folder) / CLAIMS, say=self._say):
            yield

    def _say(self, text: str) -> None:
        print(one_line(f"{self.folder}: its list of jobs {text}"), flush=True)

    def _marked(self, key: str) -> dict[str, Path]:
        marks = {name: job.get(key) for name, job in self.jobs().items()}
        return {n: Path(self.folder) / n for n, mark in marks.items() if mark == self.started}


def plain_name(text: str) -> str:
    """A text as a folder name without = or a comma: a path with them cannot be given as a value."""
    plain = re.sub("['\"]", "", text).replace("=", "-")
    return re.sub(r"[^\w.+-]+", "_", plain)[:LONGEST_NAME]


def wants_retry(folder: Path, retries: int) -> bool:
    """Return whether a job has failed and may be tried again, after so many attempts."""
    ended = read_outcome(folder)
    failed = bool(ended) and ended["state"] == FAILED
    return failed and read_record(folder, JOB, Job).get("attempts", 0) <= retries

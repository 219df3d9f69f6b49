"""A sweep: what its jobs share, and which folder is which job's. Imports no paddle."""

import hashlib
import itertools
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from omegaconf import OmegaConf

from aa.differences import flat, without_runs
from aa.outcomes import FAILED, read_outcome
from aa.resume import INERT
from aa.runs import read_json, write_json

SWEEP, JOB = "sweep.json", "job.json"
LONGEST_NAME = 120  # characters of what a folder's name says of the overrides


@dataclass(frozen=True)
class Sweep:
    """What every job of a sweep must know, whichever process or machine it is in.

    Attributes:
        folder: of the sweep.
        runner: absolute path of the runner.
        options: arguments like --config-dir.
        arguments: overrides of the command.
        command: as it was typed, for people.
        swept: keys with several values.
        metric: name of the number that jobs are compared by, or None.
        direction: "min" or "max", whichever is better, or None.
        sweeper: "basic", "optuna", ...
        full_error: whether errors are shown with their tracebacks.
        started: when this command started, in seconds since 1970.
    """

    folder: str
    runner: str
    options: list
    arguments: list
    command: str
    swept: list
    metric: str | None
    direction: str | None
    sweeper: str
    full_error: bool
    started: float

    @classmethod
    def read(cls, folder):
        """The sweep of a folder, as `write` left it."""
        return cls(**{**read_json(Path(folder) / SWEEP), "folder": str(folder)})

    def write(self):
        """Leave it in its folder, which may be moved later."""
        write_json(Path(self.folder) / SWEEP, asdict(self))

    def jobs(self):
        """{name of the folder: what `job.json` says} of every job that was begun, in order."""
        found = {}
        for file in Path(self.folder).glob(f"*/{JOB}"):
            found[file.parent.name] = read_json(file)
        return dict(sorted(found.items(), key=lambda item: item[1]["number"]))

    def describe(self, config, overrides):
        """(signature, {swept key: value}) of a job.

        Equal signatures mean equal results: keys that change no number are left out, unless they
        are swept themselves.

        Args:
            config: of the job, without `hydra`.
            overrides: that make it.
        """
        values = flat(without_runs(OmegaConf.to_container(config, resolve=True)))
        given = dict(assignment(override) for override in overrides)
        swept = {key: values.get(key, given[key]) for key in self.swept if key in given}
        decisive = {key: value for key, value in values.items() if key not in INERT}
        apart = {key: value for key, value in swept.items() if key in INERT}
        text = json.dumps([decisive, apart], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest(), swept

    def folder_name(self, config, overrides, number):
        """The folder of a job: the one it had before, or `<number>_<what is swept>`, not taken."""
        signature, swept = self.describe(config, overrides)
        jobs = self.jobs()
        for name, job in jobs.items():
            if job["signature"] == signature:
                return name
        said = "_".join(
            f"{key}-{'null' if value is None else value}" for key, value in swept.items()
        )
        wanted = f"{number}_{plain_name(said)}".rstrip("_")
        names = itertools.chain([wanted], (f"{wanted}-{n}" for n in itertools.count(2)))
        return next(name for name in names if name not in jobs)

    def asked(self):
        """{name: folder} of the jobs that belong to the command that runs now."""
        return {
            name: Path(self.folder) / name
            for name, job in self.jobs().items()
            if job["asked"] == self.started
        }

    def has_failed(self, *, but=None):
        """Whether a job of this command has failed, other than one."""
        folders = [folder for name, folder in self.asked().items() if name != but]
        return any(outcome and outcome["state"] == FAILED for outcome in map(read_outcome, folders))


def plain_name(text):
    """A text as a folder name without = or a comma: a path with them cannot be given as a value."""
    plain = re.sub("['\"]", "", text).replace("=", "-")
    return re.sub(r"[^\w.+-]+", "_", plain)[:LONGEST_NAME]


def assignment(override):
    """(key, value) of an override, without a plus and quotes."""
    key, _, value = override.lstrip("+").partition("=")
    return key, value.strip("'\"")

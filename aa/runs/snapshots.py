"""`snapshot.json`: all that decides a run's result."""

import itertools
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from aa.errors import UserError
from aa.files import read_inside, write_json
from aa.runs.differences import report, without_runs
from aa.runs.fingerprints import hashes
from aa.runs.kinds import Snapshot
from aa.runs.layout import SNAPSHOT, first_snapshot
from aa.runs.reading import MOST_BYTES, find_record, read_record

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
SOURCES = ("aa/**/*.py", "conf/**/*.yaml", "runners/*.py")
INSTALLED = ("aa/**/*.py", "aa/conf/**/*.yaml")  # by a wheel, beside other packages
COMPUTING = ("paddlepaddle", "paddlepaddle-gpu", "paddlenlp", "ppdiffusers", "numpy", "av")
GPUS = Path("/proc/driver/nvidia/gpus")


def write_snapshot(folder: str | Path, config: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Write `snapshot.json`; log what differs from the run that this one repeats or resumes.

    The snapshot that a resumed run had before is kept as `snapshot-1.json`, `snapshot-2.json`, ...

    Args:
        folder: the run folder.
        config: of the run, as plain values.
        data: what was read, see `aa.runs.fingerprints.fingerprint`.
    """
    snapshot = {
        "config": config,
        "seed": config.get("seed"),
        "command": [sys.executable, *sys.argv],
        "folder": os.path.abspath(folder),
        "working_directory": os.getcwd(),
        "git": _git(),
        "code": code_hashes(),
        "packages": _packages(),
        "data": data,
        "machine": _machine(),
    }
    if (Path(folder) / SNAPSHOT).is_file():
        _compare(folder, snapshot)
        _keep(Path(folder))
    elif config.get("rerun"):
        _compare(config["rerun"], snapshot)
    write_json(Path(folder) / SNAPSHOT, snapshot)


def record_config(folder: str | Path, config: Mapping[str, Any]) -> None:
    """Write other settings into the snapshot of a finished part of a run, which resumes with them.

    The snapshot says what is requested of the run: `resume=` and `rerun=` start from it.
    """
    folder = Path(folder)
    snapshot = read_record(folder, SNAPSHOT, Snapshot)
    if without_runs(snapshot.get("config", {})) != without_runs(config):
        _keep(folder)
        write_json(folder / SNAPSHOT, {**snapshot, "config": config})


def code_hashes() -> dict[str, str]:
    """{path: SHA-256} of the code that runs."""
    patterns = INSTALLED if _is_installed() else SOURCES
    return hashes([f for pattern in patterns for f in ROOT.glob(pattern)], below=ROOT)


def versions() -> dict[str, str]:
    """{name: version} of Python and of the packages that compute."""
    found = {"python": platform.python_version()}
    for name in COMPUTING:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def read_snapshot(run: str | Path) -> Snapshot:
    """The snapshot of a run, of its first stage if it has two.

    Raises:
        UserError: there is none, or it is not what a run writes.
    """
    found = first_snapshot(lambda name: find_record(run, name, Snapshot))
    if found is not None:
        return found
    raise UserError(f"{run}: holds no {SNAPSHOT}, which every run writes before its first step.")


def _keep(folder: Path) -> None:
    """Keep the snapshot of a run that resumes now under the next free number."""
    names = (folder / f"snapshot-{number}.json" for number in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    kept.write_bytes(read_inside(folder, SNAPSHOT, most=MOST_BYTES))


def _compare(run: str | Path, snapshot: Mapping[str, Any]) -> None:
    try:
        lines = report(read_snapshot(run), snapshot)
    except UserError as error:
        log.warning("nothing to compare with: %s", error)
        return
    for line in lines:
        log.warning("differs from %s: %s", run, line)
    if not lines:
        log.info("same code, packages, data and machine as %s", run)


def _is_installed() -> bool:
    """Return whether the code is that of a wheel, in whose folder others have theirs."""
    return (ROOT / "aa" / "conf").is_dir()


def _git() -> dict[str, str] | None:
    """Commit and uncommitted changes of the code, or None outside a checkout."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode(errors="replace")

    if _is_installed():
        return None
    try:
        return {"commit": git("rev-parse", "HEAD").strip(), "diff": git("diff", "HEAD")}
    except (OSError, subprocess.CalledProcessError):
        return None


def _packages() -> dict[str, str]:
    """Name and version of every installed distribution; the first on the path is the one used."""
    found = {}
    for distribution in metadata.distributions():
        about = distribution.metadata
        if about["Name"]:  # None of what an uninstallation left behind
            found.setdefault(about["Name"], about["Version"])
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _machine() -> dict[str, Any]:
    gpus = sorted(GPUS.glob("*/information"))
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpu": _first_value("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "gpus": [_first_value(file, "Model") for file in gpus],
    }


def _first_value(path: str | Path, key: str) -> str | None:
    """The value of the first line "key : value" of a file, or None."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(key))
    return next(found, None)

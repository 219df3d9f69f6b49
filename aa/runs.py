"""The records of a run folder: snapshot, metrics, VisualDL, summary. Imports no paddle."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from aa.config import to_dict

PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "ppdiffusers", "paddlenlp", "numpy", "hydra-core")
PACKAGES += ("scikit-image", "torch", "torchmetrics", "cd-fvd")


def write_json(path, content):
    """Write JSON under a temporary name and rename it, so that a reader never sees half of it."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, default=str) + "\n")
    os.replace(partial, path)


def write_snapshot(folder, config, data):
    """Write `snapshot.json`: all that decides a run's result.

    Args:
        folder: the run folder.
        config: the checked config.
        data: what was read, as plain values (see `fingerprint`).
    """
    snapshot = {
        "config": to_dict(config),
        "seed": getattr(config, "seed", None),
        "command": [sys.executable, *sys.argv],
        "git": _git(),
        "packages": _packages(),
        "data": data,
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS"),
        },
    }
    write_json(Path(folder) / "snapshot.json", snapshot)


def fingerprint(paths):
    """Size and SHA-256 of every file, by path; cheap for the files of a run's input."""
    result = {}
    for path in sorted({str(p) for p in paths}):
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(2**20):
                digest.update(block)
        result[path] = {"bytes": Path(path).stat().st_size, "sha256": digest.hexdigest()}
    return result


def sizes(paths):
    """Size of every file, by path: the cheap fingerprint for large sets."""
    return {str(p): {"bytes": Path(p).stat().st_size} for p in paths}


def _git():
    """Commit and uncommitted changes of the code, or None outside a checkout."""
    here = Path(__file__).parent

    def git(*arguments):
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    try:
        return {"commit": git("rev-parse", "HEAD").strip(), "diff": git("diff", "HEAD")}
    except (OSError, subprocess.CalledProcessError):
        return None


def _packages():
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def read_records(path):
    """The lines of a `metrics.jsonl`; a last line that was cut short is left out."""
    lines = Path(path).read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


class Recorder:
    """Appends to `metrics.jsonl` and VisualDL's `vdl/`.

    Args:
        folder: the run folder.
        step: of what a stopped run goes on from; its later lines are dropped.
    """

    def __init__(self, folder, *, step=0):
        from visualdl import LogWriter

        path = Path(folder) / "metrics.jsonl"
        kept = [r for r in read_records(path) if r["step"] <= step] if path.exists() else []
        path.write_text("".join(json.dumps(r) + "\n" for r in kept))
        self.file = open(path, "a")  # noqa: SIM115 closed by `close`
        self.writer = LogWriter(logdir=str(Path(folder) / "vdl"))
        self.last = next((r for r in reversed(kept) if "loss" in r), {})

    def record(self, step, *, group="train", **values):
        """One line of numbers for a step, and the same as VisualDL scalars.

        In the file, names of another group than "train" have it in front: "validation/psnr".
        """
        prefix = "" if group == "train" else f"{group}/"
        line = {"step": step, **{prefix + key: value for key, value in values.items()}}
        if group == "train":
            self.last = line
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        for key, value in values.items():
            if value is not None:
                self.writer.add_scalar(f"{group}/{key}", value, step)

    def image(self, tag, image, step):
        """A picture, uint8 [H, W, 3], for VisualDL."""
        self.writer.add_image(tag, image, step, dataformats="HWC")

    def close(self):
        """Flush and close both."""
        self.file.close()
        self.writer.close()

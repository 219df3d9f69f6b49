"""A run folder and a sweep's folder as their runs leave them, as {name: bytes}."""

import hashlib
import json
import re
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import yaml

from tests.fuzz.kind import BESIDE

RUNNER = Path(__file__).parents[3] / "runners" / "train.py"
STARTED = ["+experiment=smoke", "stage.max_steps=4"]
COMPONENTS = ("reference_unet", "denoising_unet", "pose_guider", "vae", "image_encoder")
CHECKPOINT = "checkpoints/step-000002"


def config_of(overrides):
    """The config that overrides make, as a snapshot has it."""
    from aa.cli.recorded import compose
    from aa.config.primary import TrainConfig

    return compose({}, overrides, TrainConfig, RUNNER)


def snapshot(config, overrides, options=()):
    """What `snapshot.json` says, in short."""
    return {
        "config": config,
        "seed": 42,
        "command": ["python", "runners/train.py", *options, *overrides],
        "folder": f"{BESIDE}/sandbox/runs/run",
        "working_directory": f"{BESIDE}/sandbox",
        "git": {"commit": "0123456789abcdef", "diff": ""},
        "code": {"aa/__init__.py": "ab" * 32},
        "packages": {"numpy": "1.26.4"},
        "data": {"kind": "sha256", "files": {"clips.json": {"bytes": 9, "sha256": "cd" * 32}}},
        "machine": {"system": "Linux", "python": "3.11.7", "cores": 2, "gpus": []},
    }


def hydra_folder(config, overrides, own=("hydra.run.dir=runs/run", "hydra.mode=RUN")):
    """What Hydra writes at the start."""
    hydra = {
        "overrides": {"hydra": list(own), "task": list(overrides)},
        "job": {"name": "train", "config_name": "train"},
        "runtime": {"cwd": f"{BESIDE}/sandbox", "output_dir": f"{BESIDE}/sandbox/runs/run"},
    }
    return {
        ".hydra/overrides.yaml": _yaml(list(overrides)),
        ".hydra/hydra.yaml": _yaml({"hydra": hydra}),
        ".hydra/config.yaml": _yaml(config),
    }


def run_folder():
    """Every file that a finished run may hold, whatever its runner."""
    config = config_of(STARTED)
    lines = [
        {"step": n, "loss": 1 / n, "learning_rate": 1e-5, "grad_norm": 2.0, "val/loss": 2 / n}
        for n in (1, 2, 3, 4)
    ]
    scores = {"psnr": {"mean": 20.5, "half": 0.5}, "ssim": {"mean": 0.8, "half": None}}
    video = {"video": "a.mp4", "sha256_of_frames": {"uint8": "ab" * 32, "float32": "cd" * 32}}
    case = {"name": "a", "signature": "ab" * 32, "bytes": {"a.mp4": 9}, "result": video}
    files = {
        "snapshot.json": _json(snapshot(config, STARTED)),
        "outcome.json": _json({"state": "done", "error": None, "code": 0, "seconds": 9.5}),
        "metrics.jsonl": b"".join(map(_line, lines)),
        "nonfinite.jsonl": _line({"step": 2, "what": "loss"}) + _line({"step": 3, "what": "loss"}),
        "plan.json": _json({"model_tflop": 0.5, "memory_gb": 1.5}),
        "scores.json": _json({"pairs": {"generated": scores}, "clips": {"generated": scores}}),
        "metrics.json": _json({"metrics": {**scores, "fvd": {"value": 300.0}}}),
        "summary.json": _json({"steps": 4, "last": lines[-1], "videos": [video], "seconds": 2.5}),
        "cases.jsonl": _line(case) + _line({**case, "name": "b"}),
        "train.log": b"[2026-01-01 00:00:00,000][INFO] saved\n",
        ".command.lock": _json({"pid": 1, "host": "vm", "since": 1795723468.2}),
        "vdl/vdlrecords.1.log": _records(lines),
    }
    return files | hydra_folder(config, STARTED) | _checkpoint(config["model"])


def sweep_folder():
    """A sweep of two jobs that were started, of which one failed."""
    about = {
        "folder": f"{BESIDE}/sandbox/runs/sweep",
        "runner": "/x/runners/train.py",
        "options": [],
        "arguments": ["+experiment=smoke", "seed=1,2"],
        "command": "python runners/train.py -m +experiment=smoke seed=1,2",
        "swept": ["seed"],
        "metric": "train/loss",
        "direction": "min",
        "launcher": "BasicLauncher",
        "sweeper": "basic",
        "full_error": False,
        "home": f"{BESIDE}/sandbox",
        "started": 1795723468.2,
    }
    files = {"sweep.json": _json(about), "stopped.json": _json({"started": 1795723468.2})}
    ends = (
        {"state": "done", "error": None, "code": 0, "seconds": 9.5},
        {"state": "failed", "error": "the loss is no number", "code": 2, "seconds": 1.5},
    )
    for number, outcome in enumerate(ends):
        home, swept = f"{number}_seed-{number + 1}", {"seed": number + 1}
        job = {"number": number, "signature": "ab" * 32, "swept": swept, "attempts": 1}
        job |= {"asked": 1795723468.2, "tried": 1795723468.2}
        files |= {
            f"{home}/job.json": _json(job),
            f"{home}/outcome.json": _json(outcome),
            f"{home}/output.log": b"Traceback\nValueError: the loss is no number\n",
            f"{home}/metrics.jsonl": _line({"step": 4, "loss": 0.5 + number}),
            f"{home}/snapshot.json": _json({"config": swept, "command": ["python", "train.py"]}),
        }
    return files


def _checkpoint(model):
    from safetensors.numpy import save

    files = {
        f"{name}.safetensors": save({"w": np.full(2, place, np.float32)})
        for place, name in enumerate(COMPONENTS)
    }
    model = {key: value for key, value in model.items() if not key.endswith("_weights")}
    config = {"format": "aa-1", "model": model, "components": list(COMPONENTS)}
    state = {"lr_scheduler": {"last_epoch": 2, "last_lr": 1e-5}, "scaler": None}
    files |= {"config.json": _json(config), "training/state.json": _json(state)}
    manifest = {
        "format": "aa-checkpoint-1",
        "step": 2,
        "config": "ab" * 32,
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }
    files["manifest.json"] = _json(manifest)
    return {f"{CHECKPOINT}/{name}": content for name, content in files.items()}


def _records(lines):
    """VisualDL's file of some scalars, the same at every call."""
    from aa.runs.trackers import TrackedRun
    from tests.fuzz.kinds.readers import Recorder

    with tempfile.TemporaryDirectory() as folder, patch("time.time", return_value=1.7e9):
        run = TrackedRun(Path(folder), "run", {}, {"seed": 1}, ["train/loss"])
        recorder = Recorder(folder, step=0, run=run)
        for line in lines:
            recorder.record(line["step"], loss=line["loss"])
        recorder.begin()
        recorder.close()
        (file,) = Path(folder, "vdl").glob("vdlrecords.*")
        # its hyper-parameters have a hash of the folder's name
        return re.sub(rb"[0-9a-f]{32}", b"0" * 32, file.read_bytes())


def _json(content):
    return (json.dumps(content, indent=1) + "\n").encode()


def _line(content):
    return (json.dumps(content) + "\n").encode()


def _yaml(content):
    return yaml.safe_dump(content).encode()

"""How long a list of many runs takes, from their folders and with the index that is kept of them.

    python benchmarks/run_index.py [--runs 1000]

Makes small run folders as trainings leave them (the composed config and a whole snapshot, 200 lines
of records, a checkpoint), a third of them jobs of sweeps. Every time is the best of three, with the
files in the system's memory; on a busy machine the second number counts, of a core's work.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from aa.cli.recorded import compose
from aa.cli.resolvers import register_resolvers, register_schemas
from aa.config.primary import TrainConfig
from aa.runs.filters import parse, select
from aa.runs.index import RunIndex
from aa.runs.listing import list_runs
from aa.runs.snapshots import write_snapshot

ROOT = Path(__file__).parents[1]
LINES, JOBS = 200, 50  # records of a run, jobs of a sweep
HYDRA = {"job": {"name": "train"}, "runtime": {"cwd": str(ROOT)}}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        outputs = Path(home) / "outputs"
        changed = make_runs(outputs, count)
        report(f"{count} runs from their folders", lambda: list_runs(outputs))
        report("  and their sizes", lambda: [run.size for run in list_runs(outputs)])
        wall, core = timed(lambda: listed_sizes(outputs))
        print(f"the first time, with sizes: {wall:.3f} s, {core:.3f} s of a core")
        files = sum(file.stat().st_size for file in outputs.glob(".runs-*"))
        print(f"the index: {files / 1e6:.1f} MB")
        report("with the index, a new process's call", lambda: listed(RunIndex(outputs)))
        report("  and their sizes", lambda: listed_sizes(outputs))
        index = RunIndex(outputs)
        listed(index)
        report("again in the same process", lambda: listed(index))
        words = ["val/loss<0.5", "stage.learning_rate>1e-5", "state=done"]
        report("a filter of three conditions", lambda: chosen(index, words))
        report("after one run has changed", lambda: (touch(changed), listed(index)))
        command = [sys.executable, str(ROOT / "runners/runs.py"), f"--outputs={outputs}"]
        report("runners/runs.py, whole", lambda: run(command))
        report("  query sort=val/loss limit=10", lambda: run(query(command)))


def make_runs(outputs: Path, count: int) -> Path:
    """Fill a folder with runs; return one of them."""
    register_resolvers()
    register_schemas()
    config = compose({}, ["stage='1'", "name=run"], TrainConfig, ROOT / "runners/train.py")
    first = outputs / "first"
    first.mkdir(parents=True)
    write_snapshot(first, config, {"kind": "sha256", "files": {}})
    snapshot = json.loads((first / "snapshot.json").read_text())
    snapshot["command"][:2] = [sys.executable, str(ROOT / "runners/train.py")]
    shutil.rmtree(first)
    for number in range(count):
        is_job = number % 3 == 0
        day = outputs / ("multirun/2026-01-01" if is_job else f"2026-01-{1 + number % 28:02d}")
        folder = day / f"{number // 3 // JOBS}_sweep" / f"{number}_job" if is_job else day
        make_run(folder if is_job else day / f"{number:06d}_run", number, snapshot, job=is_job)
    return next(outputs.glob("2026-*/*_run"))


def make_run(folder: Path, number: int, snapshot: dict, *, job: bool) -> None:
    """A finished training's folder."""
    (folder / ".hydra").mkdir(parents=True)
    config = snapshot["config"] | {"seed": number}
    config["stage"] = config["stage"] | {"learning_rate": 10 ** -(3 + number % 4)}
    for name, values in (("config", config), ("hydra", {"hydra": HYDRA})):
        (folder / f".hydra/{name}.yaml").write_text(yaml.safe_dump(values))
    (folder / ".hydra/overrides.yaml").write_text(f"- stage=1\n- seed={number}\n")
    (folder / "snapshot.json").write_text(json.dumps(snapshot | {"config": config}, indent=1))
    lines = [record(step, number) for step in range(1, LINES + 1)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "outcome.json").write_text('{"state": "done", "seconds": 100.0}')
    for name in (".command.lock", "train.log", "summary.json"):
        (folder / name).write_text("{}")
    (folder / "vdl").mkdir()
    checkpoint = folder / f"checkpoints/step-{LINES:06d}"
    checkpoint.mkdir(parents=True)
    for name in ("config.json", "denoiser.safetensors", "vae.safetensors", "manifest.json"):
        (checkpoint / name).write_text("{}")
    if job:
        about = {"runner": str(ROOT / "runners/train.py"), "arguments": [], "swept": ["seed"]}
        (folder.parent / "sweep.json").write_text(json.dumps(about))
        (folder / "job.json").write_text(json.dumps({"number": number, "swept": {"seed": number}}))


def record(step: int, number: int) -> dict[str, float]:
    """A line of `metrics.jsonl`."""
    line = {"step": step, "loss": (number % 97 + 1) / step, "learning_rate": 1e-4}
    speed = {"samples_per_second": 10.0, "seconds_per_step": 0.1, "training_minutes": step / 600}
    score = {"val/loss": (number % 89 + 1) / step} if step % 20 == 0 else {}
    return line | {"grad_norm": 1.0, "skipped_steps": 0, "memory_gb": 0.5} | speed | score


def listed(index: RunIndex) -> list:
    """The runs, and the index written if it is worth it."""
    with index:
        return index.runs()


def chosen(index: RunIndex, words: list[str]) -> list:
    """The runs that filters hold for."""
    runs = index.runs()
    return select(runs, parse(words, runs))


def listed_sizes(outputs: Path) -> list[int]:
    """The sizes of all runs, as a command that shows them: what it counts is kept."""
    with RunIndex(outputs) as index:
        return [run.size for run in index.runs()]


def touch(folder: Path) -> None:
    """Let a run record one more step."""
    with open(folder / "metrics.jsonl", "a") as file:
        file.write(json.dumps(record(LINES + 1, 0)) + "\n")


def query(command: list[str]) -> list[str]:
    return [*command[:2], "query", "sort=val/loss", "limit=10", *command[2:]]


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def report(what: str, call: Callable[[], object]) -> None:
    """Print the least seconds of three calls, and of the core's work in them."""
    times = [timed(call) for _ in range(3)]
    wall, core = (min(found) for found in zip(*times, strict=True))
    print(f"{what}: {wall:.3f} s, {core:.3f} s of a core", flush=True)


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and those that a core has worked, in processes that it started too."""
    begin, before = time.perf_counter(), sum(os.times()[:4])
    call()
    return time.perf_counter() - begin, sum(os.times()[:4]) - before


if __name__ == "__main__":
    main()

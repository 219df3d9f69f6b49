"""Is a training that is killed again and again the same as one that is left alone?

    python benchmarks/kill_test.py                   # all scenarios
    python benchmarks/kill_test.py --only plain --kills 5

A small training of both stages runs once in peace. Then the same command, with `resume=auto`, is
killed (SIGKILL) again and again, by turns while it saves, at any moment of training and at any of
its start, until it has been killed often enough, and is left alone for the rest. Checked after each
kill: every checkpoint under its name is what its manifest says. Checked in the end, to the bit:
losses, rates and gradient norms of all steps, each once, in metrics.jsonl and VisualDL; the
weights; no half-done folder left.
"""

import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from visualdl import LogReader

from aa.runs.layout import list_checkpoints
from aa.runs.sealing import fault_in, read_manifest

ROOT = Path(__file__).parents[1]
RUN = [sys.executable, str(ROOT / "runners" / "train.py"), "+experiment=puppets", "test=null"]
RUN += ["data.generate.num_clips=6", "data.generate.num_frames=20", "data.generate.fps=12"]
for stage in ("stage", "next_stage"):
    RUN += [f"{stage}.{key}" for key in ("save_steps=3", "log_steps=2", "sample_steps=0")]
    RUN += [f"{stage}.num_frames=4", f"{stage}.save_total_limit=2"]
SCENARIOS = {  # overrides, share of the kills
    "plain": (["hardware.devices=1"], 1.0),
    "workers": (["hardware.devices=1", "data.num_workers=2", "data.cache_gb=0"], 0.4),
    "accumulation": (
        ["hardware.devices=1"]
        + [f"{stage}.gradient_accumulation_steps=2" for stage in ("stage", "next_stage")],
        0.4,
    ),
    "no average": (
        ["hardware.devices=1", "stage.ema_decay=null", "next_stage.ema_decay=null"],
        0.4,
    ),
    "two processes": (["hardware.devices=2"], 0.25),
}
SAME = ("step", "loss", "learning_rate", "grad_norm", "skipped_steps")
PARTS = ("stage1", "stage2")


def long_enough(kills):
    """Steps of both stages for so many kills, each of which lets a few steps pass."""
    return [f"{stage}.max_steps={12 + 5 * kills}" for stage in ("stage", "next_stage")]


def start(overrides, data, folder, *, limit=None):
    """The training in a run folder, as a process; `limit` is the largest file in bytes."""
    command = [*RUN, *overrides, f"data.generate.folder={data}"]
    command += [f"hydra.run.dir={folder}", "resume=auto"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def prepare():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    log = open(f"{folder}.log", "a")  # noqa: SIM115 the process keeps it
    return subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, start_new_session=True, preexec_fn=prepare
    )


def kill(process, folder, rng, *, early, saving):
    """Kill the training, and all it has started, at a random moment. Whether it was still alive."""
    lines = _lines(folder)
    if early:
        time.sleep(rng.uniform(0, 15))  # while it starts or, more often, makes the folder ready
    while not early and process.poll() is None and _lines(folder) <= lines:
        time.sleep(0.01)
    until = time.monotonic() + rng.uniform(0, 1.5)
    while process.poll() is None and time.monotonic() < until:
        if saving and any(Path(folder).rglob(".*.partial")):
            time.sleep(rng.uniform(0, 0.05))
            break
        time.sleep(0.001)
    if process.poll() is not None:
        return False
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    if rng.random() < 0.5:
        family = family[:1]  # the others must end by themselves
    for member in family:
        member.send_signal(signal.SIGKILL)
    process.wait()
    return True


def run_killed(overrides, data, folder, *, kills, rng):
    """Kill the training `kills` times, then let it end. How often it was killed while saving."""
    while_saving = 0
    for number in range(kills):
        process = start(overrides, data, folder)
        if not kill(process, folder, rng, early=number % 3 == 2, saving=number % 3 == 0):
            raise SystemExit(f"ended with {process.returncode} before kill {number}: {folder}.log")
        _wait_until_free(folder)
        while_saving += any(Path(folder).rglob(".*.partial"))
        for part in PARTS:
            for checkpoint in list_checkpoints(Path(folder) / part):
                assert fault_in(checkpoint) is None, f"{checkpoint}: {fault_in(checkpoint)}"
        steps = _lines(folder)
        print(f"  kill {number + 1}: {steps} lines of records", flush=True)
    finish(overrides, data, folder)
    return while_saving


def finish(overrides, data, folder):
    """Let the training end."""
    code = start(overrides, data, folder).wait()
    if code:
        raise SystemExit(f"ended with {code}: {folder}.log")


def differences(whole, killed):
    """What two finished runs do not have in common, a line each."""
    found = []
    for part in PARTS:
        one, other = Path(whole) / part, Path(killed) / part
        records = [[{k: r[k] for k in SAME} for r in _records(run)] for run in (one, other)]
        if records[0] != records[1]:
            found.append(f"{part}: metrics.jsonl")
        if _scalars(one) != _scalars(other):
            found.append(f"{part}: VisualDL")
        manifests = [read_manifest(list_checkpoints(run)[-1]) for run in (one, other)]
        hashes = [
            {n: e["sha256"] for n, e in m["files"].items() if n.endswith(".safetensors")}
            for m in manifests
        ]
        found += [f"{part}: {n}" for n in hashes[0] if hashes[0][n] != hashes[1].get(n)]
    return found + [f"left: {path}" for path in Path(killed).rglob(".*.partial")]


def damaged(overrides, data, folder, change):
    """Stop a training in the middle, damage its newest checkpoint, let it end."""
    process = start(overrides, data, folder)
    while not list_checkpoints(Path(folder) / "stage2")[1:]:
        assert process.poll() is None, f"it ended before two checkpoints: {folder}.log"
        time.sleep(0.01)
    process.kill()
    process.wait()
    change(list_checkpoints(Path(folder) / "stage2")[-1] / "training" / "state.safetensors")
    finish(overrides, data, folder)


def truncate(file):
    os.truncate(file, file.stat().st_size // 2)


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def full_disk(overrides, data, folder):
    """A training whose checkpoints do not fit, which then gets the room."""
    process = start(overrides, data, folder, limit=2**20)
    code = process.wait()
    said = re.findall("error: .*", Path(f"{folder}.log").read_text())
    assert code == 2, f"exit code {code}, wanted 2"
    assert said and "cannot be written" in said[-1], said
    print(f"  {said[-1]}")
    finish(overrides, data, folder)


def _wait_until_free(folder):
    """Processes of a group end by themselves when their command is killed; it takes a moment."""
    until = time.monotonic() + 60
    while any(str(folder) in " ".join(p.info["cmdline"] or ()) for p in _processes()):
        assert time.monotonic() < until, "processes live on"
        time.sleep(0.1)


def _processes():
    return [p for p in psutil.process_iter(["cmdline"]) if p.pid != os.getpid()]


def _records(run):
    file = Path(run) / "metrics.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _lines(folder):
    return sum(len(_records(Path(folder) / part)) for part in PARTS)


def _scalars(run):
    (file,) = (Path(run) / "vdl").glob("vdlrecords.*")
    reader = LogReader(file_path=str(file))
    return {
        key: [(d.id, d.value) for d in reader.get_data("scalar", f"train/{key}")]
        for key in ("loss", "learning_rate", "grad_norm")
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="of the plain scenario")
    parser.add_argument("--only", choices=SCENARIOS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for the runs; kept")
    options = parser.parse_args()
    home = options.folder or Path(tempfile.mkdtemp(prefix="kill_test"))
    home.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in [options.only] if options.only else SCENARIOS:
        overrides, share = SCENARIOS[name]
        kills = max(1, round(options.kills * share))
        overrides = [*overrides, *long_enough(kills)]
        base, rng = home / name.replace(" ", "_"), random.Random(options.seed)
        print(f"{name}: a run in peace", flush=True)
        finish(overrides, home / "data", f"{base}_whole")
        begun = time.monotonic()
        saving = run_killed(overrides, home / "data", f"{base}_killed", kills=kills, rng=rng)
        cases = {f"{kills} kills, {saving} of them while saving": f"{base}_killed"}
        if name == "plain":
            for case, change in (("truncated", truncate), ("flipped bit", flip)):
                cases[case] = f"{base}_{case.replace(' ', '_')}"
                damaged(overrides, home / "data", cases[case], change)
            cases["full disk"] = f"{base}_full"
            full_disk(overrides, home / "data", cases["full disk"])
        for case, folder in cases.items():
            found = differences(f"{base}_whole", folder)
            failed += found
            print(f"{name}, {case}: {'; '.join(found) or 'identical'}", flush=True)
        print(f"{name}: {(time.monotonic() - begun) / 60:.1f} min", flush=True)
    if not options.folder:
        shutil.rmtree(home)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

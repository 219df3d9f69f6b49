"""Is a sweep that is killed again and again the same as one that is left alone?

    python benchmarks/kill_sweep.py [--kills 3] [--seed 0] [--launcher basic]

Eight jobs of a few steps (two sizes, two learning rates, two seeds, on generated figures) run once
in peace. Then the same sweep is killed (SIGKILL) at random moments, goes on each time with
`sweep.resume`, and is left alone for the rest. Compared in the end: state, step and metrics of
every job, their order and the means over seeds, number for number, as report.json has them.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAIN = [sys.executable, str(Path(__file__).parents[1] / "runners" / "train.py")]
TINY = ["stage.max_steps=12", "stage.save_steps=4", "stage.log_steps=4", "stage.sample_steps=12"]
TINY += ["stage.per_device_batch_size=1", "data.sample_margin=2", "inference.num_frames=4"]
TINY += ["data.generate.num_clips=16", "data.generate.num_frames=8"]
TINY += ["validation.num_clips=4", "validation.steps=4"]
COMPARED = ("number", "state", "swept", "step", "error", "metrics")


def start(folder, *more):
    """A sweep's command, what it prints thrown away."""
    command = [*TRAIN, *more] if more else [*TRAIN, f"sweep.resume={folder}"]
    return subprocess.Popen(
        command, cwd=folder.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def results(folder):
    """What the report says, without times and places."""
    report = json.loads((folder / "report.json").read_text())
    jobs = [{key: job[key] for key in COMPARED} for job in report["jobs"]]
    return jobs, report["over_seeds"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--launcher", default="basic")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as home:
        calm, killed = Path(home, "calm"), Path(home, "killed")
        sweep = ["-m", "+experiment=puppets_sweep", *TINY, f"hydra/launcher={options.launcher}"]
        begun = time.perf_counter()
        code = start(calm, *sweep, f"hydra.sweep.dir={calm}").wait()
        seconds = time.perf_counter() - begun
        print(f"in peace: exit code {code}, {seconds:.0f} s", flush=True)
        process = start(killed, *sweep, f"hydra.sweep.dir={killed}")
        for number in range(options.kills):
            time.sleep(draw.uniform(0.02, 0.9 / options.kills) * seconds)
            process.kill()
            process.wait()
            done = len(list(killed.glob("*/outcome.json")))
            print(f"kill {number + 1}: {done} of 8 jobs were done", flush=True)
            process = start(killed)
        print(f"to its end: exit code {process.wait()}")
        same = results(calm) == results(killed)
        print("the reports are the same, number for number" if same else "the reports DIFFER")
    sys.exit(not same)


if __name__ == "__main__":
    main()

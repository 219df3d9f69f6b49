"""Time and peak memory of one stage-2 step of the full-size model on the CPU, random weights.

    python benchmarks/full_size_step.py [STEPS]

Runs `runners/train.py` in a process of its own (4 frames of 64x64) and prints seconds per step,
seconds in all and the peak memory of the process. Needs 20 GB of memory and 12 GB of disk.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(steps):
    folder = Path(tempfile.mkdtemp(prefix="full_size_step_"))
    overrides = [
        "stage=2",
        "stage.init_from=null",
        "model=animate_anyone",
        "model.base_weights=null",
        "hardware=cpu",
        "data=puppets",
        "data.generate.num_clips=2",
        f"data.generate.folder={folder / 'puppets'}",
        "data.num_workers=0",
        "stage.num_frames=4",
        f"stage.max_steps={steps}",
        f"stage.save_steps={steps}",
        "stage.log_steps=1",
        f"hydra.run.dir={folder / 'run'}",
    ]
    start = time.perf_counter()
    try:
        subprocess.run([sys.executable, ROOT / "runners" / "train.py", *overrides], check=True)
        lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
        seconds = [json.loads(line)["seconds_per_step"] for line in lines]
    finally:
        shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(
        f"{statistics.median(seconds):.1f} s a step (median of {len(seconds)}), "
        f"{time.perf_counter() - start:.0f} s in all, peak {peak:.1f} GB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)

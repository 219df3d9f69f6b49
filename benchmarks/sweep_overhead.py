"""What a sweep adds to jobs that take no time, and how long the report of all of them takes.

    python benchmarks/sweep_overhead.py [--jobs 200]

Jobs are those of the tests (`tests/sweeps/toy`). Every one is a Python process: its imports,
measured alone, do not count as overhead. What Hydra needs to compose one config is measured too.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOY = str(ROOT / "tests" / "sweeps" / "toy" / "runners" / "toy.py")
IMPORTS = """
import hydra, psutil, aa.cli
from hydra.core.plugins import Plugins
Plugins.instance()
"""
COMPOSE = """
import sys, time
from aa.cli.recorded import compose
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
from toy import ToyConfig
from aa.cli.resolvers import register_schemas
register_schemas()
for _ in range(11):
    start = time.perf_counter()
    compose({}, ["x=1"], ToyConfig, sys.argv[1])
    print(time.perf_counter() - start)
"""


def seconds(*command):
    """Seconds that a command of this Python takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=200)
    jobs = parser.parse_args().jobs
    imports = statistics.median(seconds("-c", IMPORTS) for _ in range(9))
    composed = subprocess.run(
        [sys.executable, "-c", COMPOSE, TOY], check=True, capture_output=True, text=True
    )
    compose = statistics.median(float(line) for line in composed.stdout.split()[1:])
    with tempfile.TemporaryDirectory() as home:
        sweep = f"hydra.sweep.dir={home}/sweep"
        whole = seconds(TOY, "-m", f"x=range({jobs})", sweep) / jobs
        again = seconds(TOY, f"sweep.resume={home}/sweep") / jobs
        report = seconds(str(ROOT / "runners" / "report.py"), f"{home}/sweep")
    print(f"a job:              {whole:.3f} s")
    print(f"  its imports:      {imports:.3f} s")
    print(f"  the rest:         {whole - imports:.3f} s")
    print(f"  one composition:  {compose:.3f} s, Hydra makes four")
    print(f"a job that is done: {again:.3f} s")
    print(f"report of {jobs}:      {report:.2f} s, with its imports")


if __name__ == "__main__":
    main()

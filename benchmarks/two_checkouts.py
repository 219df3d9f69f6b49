"""A compiled guided step of this checkout and of another one, in turn, in one run.

    git worktree add ../before <commit>
    python benchmarks/two_checkouts.py ../before [--size small medium] [--steps 8]

Both processes live at the same time and take every second step, so that a machine that changes its
pace changes it for both. The first step, in which the graph is exported and compiled, is taken
alone. Each checkout's own `inference.py` makes the model and the step.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
FRAMES = 8


def serve(size: str) -> None:
    """Take a step for each line that comes in: seconds, processor seconds, GiB at most."""
    sys.path[0] = str(Path.cwd() / "benchmarks")  # where this file is only in one of them
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    prepare_paddle(HardwareConfig(device="cpu"))
    import inference
    import paddle

    channels, height, width = inference.SIZES[size]
    with paddle.no_grad(), tempfile.TemporaryDirectory() as folder:
        model = inference.build(channels)
        inputs = inference.draw_inputs(model, FRAMES, height, width)
        step = inference.make_step("compiled float32", model, inputs, Path(folder))
        for _ in sys.stdin:
            wall, processor = time.perf_counter(), time.process_time()
            step()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(time.perf_counter() - wall, time.process_time() - processor, peak, flush=True)


class Checkout:
    """A process that takes steps with the code of a checkout."""

    def __init__(self, root: Path, size: str) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", "--size", size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        self.steps = [self.step()]

    def step(self) -> tuple[float, ...]:
        """Seconds, processor seconds, and the most GiB until now."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"error: {self.root} takes no steps: see what it printed above.")
        return tuple(map(float, line.split()))


def compare(other: Path, size: str, steps: int) -> None:
    """Print both, and the medians of this one's steps over the other's."""
    ours, theirs = Checkout(HERE, size), Checkout(other, size)
    both = [("this", ours), ("other", theirs)]
    for i in range(steps):
        for _, checkout in both if i % 2 else reversed(both):
            checkout.steps.append(checkout.step())
    for name, checkout in both:
        checkout.process.stdin.close()
        checkout.process.wait()
        (first, *_), *rest = checkout.steps
        wall, processor, peak = zip(*rest, strict=True)
        print(
            f"{size:<7} {name:<6} first step {first:6.1f} s; a step {statistics.median(wall):6.2f} "
            f"s, {statistics.median(processor):6.2f} s of processors; {max(peak):.2f} GiB"
        )
    pairs = [*zip(ours.steps[1:], theirs.steps[1:], strict=True)]
    of_wall, of_processor = (statistics.median(a[i] / b[i] for a, b in pairs) for i in (0, 1))
    print(f"{size:<7} this over other: {of_wall:.3f}, of processors {of_processor:.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?")
    parser.add_argument("--size", nargs="+", default=["small", "medium"])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.size)
    elif options.other is None:
        parser.error("which other checkout?")
    else:
        for size in options.size:
            compare(options.other.resolve(), size, options.steps)

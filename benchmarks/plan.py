"""Memory and time of training steps: what the plan counts against what Paddle takes.

    python benchmarks/plan.py

The UNets have 64, 128, 256, 256 channels; steps are whole ones, with the VAE, the gradients and
AdamW, on the CPU in float32. Each setting runs in a process of its own. Counted before anything is
run, measured over the second of two steps. The time counted is the least: products at the rate of a
large one, numbers moved at the rate of a copy, both measured in the same process.
"""

import argparse
import json
import subprocess
import sys
import time
from itertools import product

from train_step import build, draw_batch

MIB = 2**20
# (stage, frames, pixels to a side, batch, recompute)
SETTINGS = [
    *((1, 1, size, batch, r) for size, batch, r in product((128, 192, 256), (1, 2), (0, 1))),
    *((2, n, size, 1, r) for n, size, r in product((4, 8), (64, 128, 192), (0, 1))),
    *((2, 4, 128, 2, r) for r in (0, 1)),
]


def trainable(stage):
    """The patterns of a stage's yaml."""
    import yaml

    with open(f"conf/stage/{stage}.yaml") as file:
        return yaml.safe_load(file)["trainable"]


def count(stage, frames, size, batch, recompute):
    """Bytes by the plan, without Python and its libraries, and the least seconds."""
    from aa.config.hardware import HardwareConfig
    from aa.config.stage import StageConfig
    from aa.plan.needs import StepCounter, StepShape
    from aa.plan.rates import measured_rates

    values = {"trainable": trainable(stage), "motion_modules": stage == 2, "num_frames": frames}
    config = StageConfig(**values, max_steps=1, init_from=None)
    setting = StepShape(batch, frames, size, size, bool(recompute))
    counter = StepCounter(build(stage).config, config, device="cpu", half=False)
    parts = counter.count(setting).parts
    size = sum(size for part, size in parts.items() if part != "Paddle and its libraries")
    return size, counter.work(setting).seconds(measured_rates(HardwareConfig(device="cpu")))


def measure(stage, frames, size, batch, recompute):
    """Print counted and measured bytes and seconds of one setting as JSON."""
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    prepare_paddle(HardwareConfig(device="cpu"))
    import paddle
    from paddle.base import core

    from aa.models.running import directly, recomputed
    from aa.training.trainable import set_trainable

    counted, least = count(stage, frames, size, batch, recompute)
    model = build(stage, run_layer=recomputed if recompute else directly)
    set_trainable(model, trainable(stage))
    model.train()
    trained = [p for p in model.parameters() if not p.stop_gradient]
    optimizer = paddle.optimizer.AdamW(1e-5, parameters=trained)
    for _ in range(2):
        inputs = draw_batch(batch, frames, size)
        start = time.perf_counter()
        core.host_memory_stat_reset_peak_value("Allocated", 0)
        model(**inputs).backward()
        optimizer.step()
        optimizer.clear_grad()
        seconds = time.perf_counter() - start
    peak = core.host_memory_stat_peak_value("Allocated", 0)
    found = {"counted": counted, "measured": peak, "least": least, "seconds": seconds}
    print(json.dumps(found))


def compare():
    """Run all settings one after the other and print the table."""
    print("stage frames   size batch recompute  counted measured  ratio       least  taken  ratio")
    for stage, frames, size, batch, recompute in SETTINGS:
        setting = [str(v) for v in (stage, frames, size, batch, recompute)]
        command = [sys.executable, __file__, "--setting", *setting]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = json.loads(output.splitlines()[-1])
        counted, measured = (found[key] / MIB for key in ("counted", "measured"))
        least, seconds = found["least"], found["seconds"]
        print(
            f"{stage:5} {frames:6} {size:6} {batch:5} {'yes' if recompute else 'no':>9} "
            f"{counted:8.0f} {measured:8.0f} {counted / measured:6.3f}  MiB "
            f"{least:6.2f} {seconds:6.2f} {seconds / least:6.2f}  s",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setting", type=int, nargs=5)
    options = parser.parse_args()
    if options.setting:
        measure(*options.setting)
    else:
        compare()

"""What a sealed checkpoint costs: ours against writing the same bytes plainly, in one run.

    python benchmarks/save_checkpoint.py

The UNets have 64, 128, 256, 256 channels and train with AdamW and an average of the weights.
Plainly means: the same files by the same library and the data on the disk (fsync), but no hashes,
no manifest, no renaming. Both delete the folder before when the new one is there. Times are medians
over alternating rounds, without the first.
"""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from train_step import build

ROUNDS = 5


def prepare():
    """A `CheckpointCallback` after one step, its folder and what `save` takes beside the number."""
    import paddle
    from paddlenlp.trainer import TrainerState

    from aa.training.checkpoints import CheckpointCallback, EmaCallback
    from aa.training.state import collect_optimizer

    model = build(1)
    parameters = {
        n: p for n, p in model.named_parameters() if n.startswith(("denoising_", "reference_"))
    }
    optimizer = paddle.optimizer.AdamW(1e-5, parameters=list(parameters.values()))
    for parameter in parameters.values():
        parameter.grad = paddle.zeros_like(parameter)
    optimizer.step()
    rate = paddle.optimizer.lr.LambdaDecay(1e-5, lambda step: 1.0)
    folder = Path(tempfile.mkdtemp(prefix="save_checkpoint", dir=".")) / "checkpoints"
    callback = CheckpointCallback(
        model,
        parameters,
        folder,
        save_steps=1,
        save_total_limit=1,
        config="",
        record=NoRecord(),
        ema=EmaCallback(list(parameters.values()), 0.99),
    )
    state = collect_optimizer(optimizer, gather=False)
    return callback, folder.parent, (state, rate, TrainerState())


class NoRecord:
    """Stands for the `RecordCallback`, whose files are small."""

    @property
    def recorder(self):
        return self

    def flush(self):
        pass

    def state(self):
        return {}


def save_plainly(callback, home, step, training):
    """The same files, flushed, without hashes, manifest and renaming."""
    folder = home / f"plain-{step}"
    callback._write(folder, training, lambda path: None)
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    shutil.rmtree(home / f"plain-{step - 1}", ignore_errors=True)


def timed(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main():
    callback, home, training = prepare()
    seconds = {"plain": [], "ours": []}
    for step in range(ROUNDS + 1):
        callback.last = None
        seconds["plain"].append(timed(save_plainly, callback, home, step, training))
        seconds["ours"].append(timed(callback.save, step, training))
    files = [p for p in (home / f"plain-{ROUNDS}").rglob("*") if p.is_file()]
    size = sum(p.stat().st_size for p in files) / 2**20
    shutil.rmtree(home)
    plain, ours = (statistics.median(values[1:]) for values in seconds.values())
    print(f"{size:.0f} MiB: plain {plain:.2f} s, ours {ours:.2f} s, ratio {ours / plain:.2f}")


if __name__ == "__main__":
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    prepare_paddle(HardwareConfig(device="cpu"))
    main()

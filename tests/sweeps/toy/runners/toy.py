"""A run of no time: its val/loss is (x - 3)^2 + seed / 10, and it ends as it is asked to."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

import hydra

from aa import cli
from aa.config.sweep import SweepConfig
from aa.errors import UserError


@dataclass
class ToyConfig:
    x: float = 1.0
    y: str = "a"
    seed: int = 0
    ends: str = "well"
    name: str = "toy"
    sweep: SweepConfig = field(default_factory=SweepConfig)


@hydra.main(version_base="1.3", config_path="../conf", config_name="toy")
@cli.task(ToyConfig)
def main(config, folder):
    begun = folder.parent / f"{folder.name}.begun"
    times = len(begun.read_text()) if begun.exists() else 0
    with begun.open("a") as file:
        file.write("x")
    if config.ends == "badly" or (config.ends == "once" and not times):
        raise UserError(f"x={config.x} is impossible.")
    if config.ends == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if config.ends == "oddly":  # as libraries do that a Ctrl-C came amid
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        raise RuntimeError("Failed to get callstack object")
    if config.ends == "wrapped":
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
    if config.ends == "slowly" or (config.ends == "stuck" and not times):
        time.sleep(600)  # until it is stopped, however busy the host is
    loss = (config.x - 3) ** 2 + config.seed / 10
    (folder / "metrics.jsonl").write_text(f'{{"step": 1, "loss": 1.0, "val/loss": {loss}}}\n')


if __name__ == "__main__":
    cli.run(main)

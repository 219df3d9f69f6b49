"""Make a data set: `python runners/prepare.py source=<folder of videos> target=<data set>`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

from pathlib import Path

import hydra

from aa import cli
from aa.config.prepare import PrepareConfig


@hydra.main(version_base="1.3", config_path="../conf", config_name="prepare")
@cli.task(PrepareConfig)  # checks
def main(config: PrepareConfig, folder: Path) -> None:
    from aa.prepare.run import run  # deferred: reads videos

    run(config, folder)


if __name__ == "__main__":
    cli.run(main)

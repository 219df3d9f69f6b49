"""Measure: `python runners/evaluate.py generated=<folder of videos> truth=<folder of videos>`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

from pathlib import Path

import hydra

from aa import cli
from aa.config.evaluation import EvaluateConfig


@hydra.main(version_base="1.3", config_path="../conf", config_name="evaluate")
@cli.task(EvaluateConfig)  # checks, rerun
def main(config: EvaluateConfig, folder: Path) -> None:
    from aa.build.evaluation import build_evaluation  # deferred: reads videos

    build_evaluation(config, folder).run()


if __name__ == "__main__":
    cli.run(main)

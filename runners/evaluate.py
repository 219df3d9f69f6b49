"""Measure: `python runners/evaluate.py generated=<folder of videos> truth=<folder of videos>`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

import hydra
from omegaconf import DictConfig

from aa import cli
from aa.config.evaluation import EvaluateConfig
from aa.runs.rerun_check import check_rerun


@hydra.main(version_base="1.3", config_path="../conf", config_name="evaluate")
@cli.task
def main(config: DictConfig) -> None:
    checked, folder = cli.begin_without_paddle(config)
    from aa.evaluation.run import EvaluationRun  # deferred: reads videos

    EvaluationRun(checked, folder).run()
    check_rerun(checked, folder)


if __name__ == "__main__":
    cli.run(main, EvaluateConfig)

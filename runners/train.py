"""Train one stage: `python runners/train.py stage=2 hardware=v100`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

from pathlib import Path

import hydra

from aa import cli
from aa.config.primary import TrainConfig


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
@cli.task(TrainConfig)  # checks, plan, resume, process group, rerun
def main(config: TrainConfig, folder: Path) -> None:
    from aa.build.recipe import build_puppet_test, stages_to_train  # deferred: pulls in paddle
    from aa.build.training import build_trainer

    for stage, its_folder in stages_to_train(config, folder):  # one, or two one after the other
        trainer = build_trainer(stage, its_folder)  # model, data, stage, hardware
        trainer.train()
    if test := build_puppet_test(config, folder):
        test.run()


if __name__ == "__main__":
    cli.run(main)

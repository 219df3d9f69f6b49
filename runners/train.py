"""Train one stage: `python runners/train.py stage=2 hardware=v100`."""

import hydra

from aa import cli


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
@cli.task
def main(config):
    checked, folder = cli.begin(config)
    from aa.build import build_training  # deferred: pulls in paddle and ppdiffusers

    build_training(checked, folder).run()


if __name__ == "__main__":
    cli.run(main)

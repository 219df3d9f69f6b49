"""Animate: `python runners/infer.py weights=<folder> reference=<image> pose=<video>`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

import hydra
from omegaconf import DictConfig

from aa import cli
from aa.config.primary import InferConfig
from aa.runs.rerun_check import check_rerun


@hydra.main(version_base="1.3", config_path="../conf", config_name="infer")
@cli.task
def main(config: DictConfig) -> None:
    checked, folder = cli.begin(config)
    from aa.build.inference import build_inference  # deferred: pulls in paddle and ppdiffusers

    build_inference(checked, folder).run()
    check_rerun(checked, folder)


if __name__ == "__main__":
    cli.run(main, InferConfig)

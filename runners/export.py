"""Export: `python runners/export.py weights=<folder> target=<new folder> height=784 width=512`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

import hydra
from omegaconf import DictConfig

from aa import cli
from aa.config.export import ExportConfig


@hydra.main(version_base="1.3", config_path="../conf", config_name="export")
@cli.task
def main(config: DictConfig) -> None:
    checked, _ = cli.begin_on_cpu(config)
    from aa.export.folder import export  # deferred: pulls in paddle and ppdiffusers

    export(checked)


if __name__ == "__main__":
    cli.run(main, ExportConfig)

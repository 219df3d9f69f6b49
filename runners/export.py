"""Export: `python runners/export.py weights=<folder> target=<new folder> height=784 width=512`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

from pathlib import Path

import hydra

from aa import cli
from aa.config.export import ExportConfig
from aa.config.hardware import HardwareConfig
from aa.machine import prepare_paddle


@hydra.main(version_base="1.3", config_path="../conf", config_name="export")
@cli.task(ExportConfig)  # checks, rerun
def main(config: ExportConfig, folder: Path) -> None:
    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.build.export import build_export  # deferred: pulls in paddle and ppdiffusers

    build_export(config, folder).run()


if __name__ == "__main__":
    cli.run(main)

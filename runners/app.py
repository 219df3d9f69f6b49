"""A local page to work in: `python runners/app.py`, then open what it prints."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

from pathlib import Path

import hydra

from aa import cli
from aa.config.app import AppConfig


@hydra.main(version_base="1.3", config_path="../conf", config_name="app")
@cli.task(AppConfig)  # checks
def main(config: AppConfig, folder: Path) -> None:
    from aa.app.server import serve  # deferred: pulls in Flask

    serve(config.app, folder, title=config.name)


if __name__ == "__main__":
    cli.run(main)

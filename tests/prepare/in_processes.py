"""A command that makes a data set with the detector that knows the truth, to be killed by tests.

python -m tests.prepare.in_processes <source> <target> <run folder> <processes> [key=value ...]
"""

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir

from aa.cli.resolvers import register_schemas
from aa.config.convert import to_config
from aa.prepare.run import prepare
from aa.prepare.workers import Workers
from tests.commands import ROOT
from tests.prepare.videos import SMALL, detect_slowly


def main(source, target, folder, processes, *overrides):
    register_schemas()
    given = [f"source={source}", f"target={target}", *SMALL, "name=prepare", *overrides]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = to_config(compose("prepare", given))
    run = Path(folder)
    run.mkdir(parents=True, exist_ok=True)
    engine = Workers(int(processes), run / "workers.log")
    prepare(config, run, engine=engine, detect=detect_slowly)


if __name__ == "__main__":
    main(*sys.argv[1:])

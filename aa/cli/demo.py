"""`python -m aa.demo`: the demo, and packaging a training's result as the example."""

import argparse
import sys
import time
from pathlib import Path

from aa.cli.program import run_program
from aa.config.hardware import HardwareConfig
from aa.plain import printable


def main() -> None:
    """Run one command of the program."""
    run_program(_parser())


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m aa.demo",
        description="A first video, a training to watch, and the example they start from.",
    )
    commands = parser.add_subparsers(required=True, metavar="show | package")

    show = commands.add_parser("show", help="a first video, both stages of training, one page")
    show.add_argument("folder", type=Path, help="the folder to write, which must not exist yet")
    show.add_argument(
        "--since", type=float, help="when the set-up began, in seconds since 1970 (default: now)"
    )
    show.set_defaults(command=_show)

    package = commands.add_parser("package", help="write a training's result as an example")
    package.add_argument("run", type=Path, help="run folder of a training with data=puppets")
    package.add_argument("target", type=Path, help="the folder to write")
    package.add_argument(
        "--figure", type=int, default=0, help="of the test split, shown (default: %(default)s)"
    )
    package.set_defaults(command=_package)
    return parser


def _show(options):
    from aa.demo.show import run_demo  # deferred: draws and reads videos

    setup = time.time() - options.since if options.since else 0.0
    sys.exit(run_demo(options.folder, setup_seconds=setup))


def _package(options):
    from aa.machine import prepare_paddle

    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.demo.package import package  # deferred: pulls in paddle

    package(options.run, options.target, figure=options.figure)
    size = sum(file.stat().st_size for file in options.target.rglob("*") if file.is_file())
    print(f"{printable(options.target)}: {size / 1e6:.1f} MB")

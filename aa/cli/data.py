"""`python -m aa.data download`: fetch the published training set."""

import argparse
from pathlib import Path

from aa.cli.program import run_program
from aa.data.download import download
from aa.data.published import SET_HOME, UBC_AND_BILI
from aa.plain import printable
from aa.processes import runner_command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aa.data", description="Fetch training data.")
    commands = parser.add_subparsers(required=True, metavar="download")
    fetch = commands.add_parser(
        "download",
        help="fetch the published training set",
        description=f"Fetch the {UBC_AND_BILI.num_clips} clips that the published recipe trains "
        "on, with their pose videos, into the place where data=ubcnbili looks. What is there "
        "already is kept; an interrupted download is resumed.",
    )
    fetch.add_argument("--to", default=SET_HOME, help="folder to write (default: %(default)s)")
    fetch.add_argument("--url", default=UBC_AND_BILI.url, help="a mirror of %(default)s")
    fetch.set_defaults(command=_download)
    return parser


def _download(options: argparse.Namespace) -> None:
    manifest = download(UBC_AND_BILI, Path(options.to), url=options.url)
    named = "" if options.to == SET_HOME else f" data.manifest={printable(manifest)}"
    print(f"{UBC_AND_BILI.num_clips} clips in {printable(manifest.parent.parent)}; train on them:")
    print(f"  {runner_command('train')} stage=2 hardware=v100{named}")


def main() -> None:
    """Run one command of the program."""
    run_program(_parser())

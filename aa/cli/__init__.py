"""The command line: what runners share."""

from aa.cli.main import how_to_go_on, run
from aa.cli.task import task

__all__ = ["how_to_go_on", "run", "task"]

"""The command line: what runners share."""

from aa.cli.main import begin, begin_on_cpu, begin_without_paddle, how_to_go_on, run
from aa.cli.task import FULL_ERROR, task

__all__ = [
    "FULL_ERROR",
    "begin",
    "begin_on_cpu",
    "begin_without_paddle",
    "how_to_go_on",
    "run",
    "task",
]

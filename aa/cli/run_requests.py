"""`aa runs ask`: requests to a training that runs."""

from collections.abc import Sequence

from aa.cli.tables import print_line
from aa.errors import UserError
from aa.runs.jobs import run_at, short
from aa.runs.requests import ask
from aa.runs.summary import read_run


def ask_run(run: str, wishes: Sequence[str]) -> None:
    """Leave requests to a training and print where the answer will be.

    Raises:
        UserError: it is no training, does not run, or a wish is unknown.
    """
    folder = run_at(run)
    if read_run(folder).kind not in ("train", ""):
        raise UserError(f"{run}: is no training, and only trainings are asked.")
    ask(folder, wishes)
    print_line(f"asked; the answer will be in {short(folder)}/train.log, after the step in hand")

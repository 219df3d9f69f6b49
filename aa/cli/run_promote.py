"""`aa runs promote`: a checkpoint under a name that `weights=` takes."""

import shlex

from aa.cli.tables import print_json, print_line
from aa.runs.jobs import short
from aa.runs.promotion import MODELS, promote


def promote_run(run: str, name: str, *, models: str = MODELS, as_json: bool = False) -> None:
    """Promote a checkpoint and print what it is and how to take it.

    Raises:
        UserError: see `promote`.
    """
    folder, source = promote(run, name, models=models)
    if as_json:
        print_json({"folder": str(folder), **source})
        return
    scores = source.get("scores", {}).items()
    said = "".join(f", {key} {value:.4g}" for key, value in scores)
    print_line(f"{folder}: step {source.get('step')} of {short(source.get('run', ''))}{said}")
    print_line(f"take it with {shlex.quote(f'weights={folder}')}")

"""`rerun=<run folder>`: the arguments that make an earlier run's config again."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aa.cli.recorded import RecordedRun, compose, given_folder, given_options, split_options
from aa.config.texts import literal
from aa.errors import UserError, one_line


def rerun_arguments(arguments: list[str], schema: type, *, runner: str | Path) -> list[str]:
    """Of `rerun=<run folder>`: options and overrides that make that run's config.

    The run's own overrides are composed with today's conf/. Where a value comes out other than the
    run's snapshot has it, an override is added and reported. What is given beside it comes last.

    Args:
        arguments: of the command, options first.
        schema: dataclass of the primary config.
        runner: the runner's path.

    Raises:
        UserError: the folder is not that of a run of this runner, or its config cannot be made.
    """
    folder = given_folder(arguments, "rerun")
    if given_folder(arguments, "resume"):
        raise UserError(
            f"rerun={folder} repeats a run in a new folder, resume= goes on with one in its own: "
            "give one of them."
        )
    assert folder  # or nobody would ask
    run = RecordedRun(folder, key="rerun", runner=runner)
    words, given = split_options(arguments)
    _refuse_its_folder(given, folder)
    overrides = run.overrides(schema, words, given)
    try:
        kept, lines = run.keep(compose(given_options(words), overrides, schema, runner))
    except UserError as error:
        raise UserError(f"rerun={folder}: {error} {run.its_code()}") from error
    changes = [a for a in given if not re.match(r"\+{0,2}(rerun(_check)?|hydra\..*)=", a)]
    lines += [f"changed: {change}" for change in changes] + _notes(run.snapshot)
    for line in lines:
        print(one_line(line), file=sys.stderr)  # stdout is the config's, with --cfg job
    given = [a for a in given if not re.match(r"\+{0,2}rerun=", a)]
    again = [*overrides, *kept, *given, f"rerun={literal(str(folder))}"]
    return [*words, *again]


def _refuse_its_folder(given: list[str], folder: Path) -> None:
    wanted = given_folder(given, r"hydra\.run\.dir")
    if wanted and wanted.resolve() == folder.resolve():
        raise UserError(
            f"hydra.run.dir={wanted}: is the run to repeat; choose another folder, or leave it "
            "away for a new one."
        )


def _notes(snapshot: Mapping[str, Any]) -> list[str]:
    before, here = snapshot.get("working_directory"), os.getcwd()
    if before in (None, here):
        return []
    return [
        f"working directory: the run's was {before}, this is {here}; relative paths of its config "
        "are looked for here"
    ]

"""`aa runs <verb> ...`: the arguments of what is done with single runs."""

import argparse
from collections.abc import Sequence


def run_verb(words: Sequence[str]) -> None:
    """Do what the words say, the first of which is the verb.

    Raises:
        UserError: it cannot be done.
    """
    parser = argparse.ArgumentParser(prog="runs.py", description="Compare and keep runs.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for add in (_add_diff,):
        add(verbs)
    options = parser.parse_args(words)
    options.command(options)


def _add_diff(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser(
        "diff",
        description="Say what differs between two runs: config, code, packages, data, machine and "
        "results. The exit code is 0 whether or not anything does.",
    )
    parser.add_argument("first", help="a run folder, or a checkpoint in it")
    parser.add_argument("second", help="another one")
    parser.add_argument("--all", action="store_true", help="also what is equal")
    parser.add_argument("--json", action="store_true", help="as JSON")

    def command(options: argparse.Namespace) -> None:
        from aa.cli.run_diff import diff

        diff(options.first, options.second, everything=options.all, as_json=options.json)

    parser.set_defaults(command=command)

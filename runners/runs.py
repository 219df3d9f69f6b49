"""List the runs below outputs/, or remove some: `python runners/runs.py state=failed`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

import argparse
import sys

from aa.errors import UserError, one_line

VERBS = {
    "diff": "what differs between two runs",
    "query": "runs by a metric",
    "note": "words of yours about a run",
    "tag": "and filter by tag=<word>",
    "star": "and filter by star=true",
    "lineage": "where a run comes from, and what came of it",
    "promote": "give a checkpoint a name that weights= takes",
    "ask": "a training that runs: save, stop, validate, sample",
}


def main() -> None:
    try:
        if sys.argv[1:2] and sys.argv[1] in VERBS:
            from aa.cli.run_verbs import run_verb  # deferred: --help needs nothing of it

            run_verb(sys.argv[1:])
        else:
            _list()
    except (UserError, OSError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)  # as the other runners


def _list() -> None:
    parser = argparse.ArgumentParser(
        description="List runs, the one that was last written first, or remove those that all "
        "filters hold for. Filters: state=failed, kind=infer, name=puppets, any key of a run's "
        "config as stage.learning_rate=1e-4, and in quotes 'age>7d', 'size>1GB'.",
        epilog="Further commands, each with its own --help: "
        + "; ".join(f"runs.py {verb} ({does})" for verb, does in VERBS.items()),
    )
    parser.add_argument("filters", nargs="*", help="key=value, 'key>value' or 'key<value'")
    parser.add_argument("--outputs", default="outputs", help="folder that the runs are below")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--remove", action="store_true", help="delete what the filters select")
    parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")
    arguments = parser.parse_intermixed_args()
    if arguments.yes and not arguments.remove:
        parser.error("--yes goes with --remove")
    if arguments.json and arguments.remove:
        parser.error("--json goes with a list")
    from aa.cli.runs import remove, show  # deferred: --help needs nothing of it

    if arguments.remove:
        remove(arguments.outputs, arguments.filters, yes=arguments.yes)
    else:
        show(arguments.outputs, arguments.filters, as_json=arguments.json)


if __name__ == "__main__":
    main()

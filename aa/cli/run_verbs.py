"""`aa runs <verb> ...`: the arguments of what is done with single runs."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

Verbs = Any  # argparse's, whose type has no public name
RUN = "a run folder, or a checkpoint in it"


def run_verb(words: Sequence[str]) -> None:
    """Do what the words say, the first of which is the verb.

    Raises:
        UserError: it cannot be done.
    """
    parser = argparse.ArgumentParser(prog="runs.py", description="Compare and keep runs.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for add in (
        _add_diff,
        _add_query,
        _add_note,
        _add_tag,
        _add_star,
        _add_lineage,
        _add_promote,
        _add_ask,
    ):
        add(verbs)
    options = vars(parser.parse_args(words))
    command: Callable[..., None] = options.pop("command")
    options.pop("verb")
    command(**options)


def _add_diff(verbs: Verbs) -> None:
    parser = verbs.add_parser(
        "diff",
        description="Say what differs between two runs: config, code, packages, data, machine and "
        "results. The exit code is 0 whether or not anything does.",
    )
    parser.add_argument("first", help=RUN)
    parser.add_argument("second", help="another one")
    parser.add_argument("--all", dest="everything", action="store_true", help="also what is equal")
    _add_json(parser)

    def command(**options: Any) -> None:
        from aa.cli.run_diff import diff

        diff(**options)

    parser.set_defaults(command=command)


def _add_query(verbs: Verbs) -> None:
    parser = verbs.add_parser(
        "query",
        description="List runs in an order, with a column for each metric that is named. Words: "
        "the filters of `runs.py`, metrics among them ('val/loss<0.1'), sort=<key> (of a metric "
        "the best first, else the least; sort=-<key> the other way round), limit=<number>.",
    )
    parser.add_argument("words", nargs="*", help="'val/loss<0.1' sort=val/loss limit=10")
    parser.add_argument("--outputs", default="outputs", help="folder that the runs are below")
    _add_json(parser)

    def command(**options: Any) -> None:
        from aa.cli.runs import query

        query(**options)

    parser.set_defaults(command=command)


def _add_note(verbs: Verbs) -> None:
    parser = verbs.add_parser("note", description="Write a run's note, or show it.")
    parser.add_argument("run", help=RUN)
    parser.add_argument("text", nargs="?", help="the note; an empty one takes it away")
    _add_json(parser)

    def command(**options: Any) -> None:
        from aa.cli.run_notes import note

        note(**options)

    parser.set_defaults(command=command)


def _add_tag(verbs: Verbs) -> None:
    parser = verbs.add_parser("tag", description="Tag a run, or show its tags.")
    parser.add_argument("run", help=RUN)
    parser.add_argument("tags", nargs="*", help="words to add")
    parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="take it away")
    _add_json(parser)

    def command(**options: Any) -> None:
        from aa.cli.run_notes import tag

        tag(**options)

    parser.set_defaults(command=command)


def _add_star(verbs: Verbs) -> None:
    parser = verbs.add_parser("star", description="Give runs a star.")
    parser.add_argument("runs", nargs="+", help=RUN)
    parser.add_argument("--off", action="store_true", help="take it away")

    def command(**options: Any) -> None:
        from aa.cli.run_notes import star

        star(**options)

    parser.set_defaults(command=command)


def _add_lineage(verbs: Verbs) -> None:
    parser = verbs.add_parser(
        "lineage",
        description="Show where a run comes from (weights, data, the run it repeats, its sweep) "
        "and what came of it below the outputs: runs and named models.",
    )
    parser.add_argument("run", help=RUN)
    parser.add_argument("--outputs", default="outputs", help="folder that runs are below")
    parser.add_argument("--models", default="models", help="folder of named models")
    _add_json(parser)

    def command(**options: Any) -> None:
        from aa.cli.run_lineage import lineage

        lineage(**options)

    parser.set_defaults(command=command)


def _add_promote(verbs: Verbs) -> None:
    parser = verbs.add_parser(
        "promote",
        description="Give a checkpoint a name, models/<name>, that weights= takes and that keeps "
        "its source. The run may be removed afterwards; a name is never taken twice.",
    )
    parser.add_argument("run", help="a checkpoint, or a run: of that the newest checkpoint")
    parser.add_argument("name", help="a new one")
    parser.add_argument("--models", default="models", help="folder of named models")
    _add_json(parser)

    def command(**options: Any) -> None:
        from aa.cli.run_promote import promote_run

        promote_run(**options)

    parser.set_defaults(command=command)


def _add_ask(verbs: Verbs) -> None:
    parser = verbs.add_parser(
        "ask",
        description="Ask a training that runs, on whichever host, for something after its step. "
        "Its train.log says what it was asked and what was done.",
    )
    parser.add_argument("run", help="its run folder")
    parser.add_argument("wishes", nargs="+", help="save, stop, validate, sample")

    def command(**options: Any) -> None:
        from aa.cli.run_requests import ask_run

        ask_run(**options)

    parser.set_defaults(command=command)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="as JSON")

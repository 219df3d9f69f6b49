"""`aa runs note|tag|star`: what people have to say of a run."""

from collections.abc import Sequence

from aa.cli.tables import print_json
from aa.plain import printable
from aa.runs.jobs import run_at
from aa.runs.notes import change_tags, read_notes, set_note, set_star


def note(run: str, text: str | None, *, as_json: bool = False) -> None:
    """Write the note of a run, or show it where none is given.

    Raises:
        UserError: no such run, or its notes are damaged.
    """
    folder = run_at(run)
    notes = read_notes(folder) if text is None else set_note(folder, text)
    if as_json:
        print_json({"folder": str(folder), **notes})
    elif text is None:
        print(printable(notes.get("note", ""), keep="\n"))


def tag(run: str, tags: Sequence[str], remove: Sequence[str], *, as_json: bool = False) -> None:
    """Add tags to a run and take others away, or show those it has where none is given.

    Raises:
        UserError: as `note`, or a tag is no word.
    """
    folder = run_at(run)
    asked = bool(tags or remove)
    notes = change_tags(folder, tags, remove) if asked else read_notes(folder)
    if as_json:
        print_json({"folder": str(folder), **notes})
    elif not asked:
        print(printable(" ".join(notes.get("tags", []))))


def star(runs: Sequence[str], *, off: bool) -> None:
    """Give runs a star, or take it away.

    Raises:
        UserError: as `note`.
    """
    for folder in list(map(run_at, runs)):
        set_star(folder, not off)

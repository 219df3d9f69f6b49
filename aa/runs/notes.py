"""Words of people about a run: a note, tags and a star, in `notes.json` of its folder."""

import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypedDict

from msgspec import Meta

from aa.errors import UserError, one_line
from aa.files import write_json
from aa.runs.layout import NOTES
from aa.runs.lock import held_briefly
from aa.runs.reading import find_record

LOCK = ".notes.lock"
TAG = r"^[\w.:+-]{1,50}$"
MOST_NOTE, MOST_TAGS = 10_000, 50  # characters, tags
_alone = threading.Lock()  # the system's locks keep processes apart, not threads of one


class Notes(TypedDict, total=False):
    """`notes.json`, as much of it as is there."""

    note: Annotated[str, Meta(max_length=MOST_NOTE)]
    tags: list[Annotated[str, Meta(pattern=TAG)]]
    star: bool


def read_notes(folder: str | Path) -> Notes:
    """The notes of a run folder; empty where there are none.

    Raises:
        UserError: they are damaged.
    """
    return find_record(folder, NOTES, Notes) or Notes()


def set_note(folder: str | Path, text: str) -> Notes:
    """Write the note of a run, in the place of the one there was; an empty one takes it away.

    Raises:
        UserError: it is too long, or the notes are damaged.
    """
    if len(text) > MOST_NOTE:
        raise UserError(f"a note has at most {MOST_NOTE} characters, got {len(text)}.")
    return _changed(folder, lambda notes: {**notes, "note": text.strip()})


def change_tags(folder: str | Path, add: Iterable[str], remove: Iterable[str] = ()) -> Notes:
    """Add tags to a run and take others away.

    Raises:
        UserError: one is no word, there are too many, or the notes are damaged.
    """
    gone, new = set(remove), list(add)
    for tag in new:
        if not re.fullmatch(TAG, tag):
            raise UserError(
                f"tag {one_line(tag)!r}: a tag is a word of letters, digits and . : + - _, at most "
                "50 characters."
            )

    def change(notes: Notes) -> Notes:
        found: list[str] = [*notes.get("tags", []), *new]
        tags = [tag for tag in dict.fromkeys(found) if tag not in gone]
        if len(tags) > MOST_TAGS:
            raise UserError(f"{folder}: has at most {MOST_TAGS} tags, got {len(tags)}.")
        return {**notes, "tags": tags}

    return _changed(folder, change)


def set_star(folder: str | Path, star: bool) -> Notes:
    """Give a run a star, or take it away.

    Raises:
        UserError: the notes are damaged.
    """
    return _changed(folder, lambda notes: {**notes, "star": star})


def _changed(folder: str | Path, change: Callable[[Notes], Notes]) -> Notes:
    """Change the notes of a run, whoever else does."""
    folder = Path(folder)

    def say(text: str) -> None:
        print(one_line(f"{folder / NOTES}: {text}"), flush=True)

    with _alone, held_briefly(folder / LOCK, say=say):
        notes = change(read_notes(folder))
        write_json(folder / NOTES, notes)
    return notes

"""The runs there are: the one place in which the page asks for them."""

import shlex
from pathlib import Path

from aa.app.places import is_text
from aa.errors import UserError
from aa.runs.filters import is_metric_key
from aa.runs.index import RunIndex
from aa.runs.queries import parse_query
from aa.runs.summary import Run


class Shelf:
    """The runs below a folder, remembered from one request to the next; see `RunIndex`."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._index: RunIndex | None = None

    def runs(self) -> list[Run]:
        """All of them, the one that was last written first; none without the folder.

        A folder whose name is no text in UTF-8 is left out: no address leads to it.
        """
        if not self._outputs.is_dir():
            return []
        if self._index is None:
            self._index = RunIndex(self._outputs)
        return [run for run in self._index.runs() if is_text(run.folder)]

    def find(self, text: str) -> tuple[list[Run], list[str]]:
        """Runs that a search holds for, and the metrics that it names.

        Args:
            text: filters, `sort=<key>`, `limit=<number>` as of `aa runs query`; any other word must
                be in a run's folder, overrides, tags or note.

        Raises:
            UserError: a filter cannot be understood.
        """
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UserError(f"this search cannot be read: {error}.") from error
        runs = self.runs()
        plain = [word.lower() for word in words if not set(word) & set("=<>")]
        asked = parse_query([word for word in words if set(word) & set("=<>")], runs)
        found = [run for run in runs if all(word in _words(run) for word in plain)]
        return asked.runs(found), [key for key in asked.metrics if is_metric_key(key)]


def _words(run: Run) -> str:
    notes = run.notes
    said = [str(run.folder), *run.overrides, *notes.get("tags", []), notes.get("note", "")]
    return " ".join(said).lower()

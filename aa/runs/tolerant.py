"""Reading of runs that continues where a file of one is damaged, and reports it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from aa.errors import UserError
from aa.runs.lines import read_lines
from aa.runs.reading import read_record, read_yaml_record

Kind = TypeVar("Kind")


class TolerantReader:
    """Reads of one run folder that continue where a file is missing or damaged.

    Attributes:
        folder: the run folder.
        troubles: lines about what is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.troubles: list[str] = []

    def json(self, name: str, kind: type[Kind]) -> Kind | None:
        """As `read_record`; None where there is no such record."""
        return self._try(lambda: read_record(self.folder, name, kind))

    def yaml(self, name: str, kind: type[Kind]) -> Kind | None:
        """As `read_yaml_record`; None where there is no such record."""
        return self._try(lambda: read_yaml_record(self.folder, name, kind))

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the records of `read_lines`; none where there is no such file."""
        try:
            for _, record in read_lines(self.folder, name, self._leave_out):
                yield record
        except FileNotFoundError:
            return
        except (UserError, OSError) as error:
            self.troubles.append(str(error))

    def _leave_out(self, line: str) -> None:
        self.troubles.append(f"{line}; left out")

    def _try(self, read: Callable[[], Kind]) -> Kind | None:
        try:
            return read()
        except FileNotFoundError:
            return None
        except (UserError, OSError) as error:
            self.troubles.append(str(error))
            return None

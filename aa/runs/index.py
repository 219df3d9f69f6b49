"""The runs below a folder, most of them remembered: what was read of one holds until it changes.

Whether a run is running is asked every time, and so is all of one that does or has damaged files.
"""

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from aa.runs.disk import Sight, look
from aa.runs.index_file import Frame, IndexFile, Kept
from aa.runs.listing import UNREADABLE, check_outputs, find_runs, run_or_unreadable
from aa.runs.lock import is_held
from aa.runs.outcomes import RUNNING
from aa.runs.summary import Run, sweep_of

WORTH_SECONDS, WORTH_SIZES = 0.1, 20  # of reading, or sizes counted, that are worth a new file
NEVER = b""  # the mark of a run that is read again


class RunIndex:
    """The runs below a folder, for any number of threads; as a context it keeps what it has learnt.

    A file in that folder keeps it for other processes, see `IndexFile`. It is a copy: where it is
    lost, damaged or cannot be written, the folders of the runs are read.

    Args:
        outputs: the folder.

    Raises:
        UserError: there is no such folder.
    """

    def __init__(self, outputs: str | Path) -> None:
        check_outputs(outputs)
        self.outputs = Path(outputs)
        self._file = IndexFile(self.outputs)
        self._frames: dict[Path, Frame] = {}  # what the file has of runs that are not looked at yet
        self._known: dict[Path, Kept] | None = None  # None before the file is read
        self._seconds, self._sizes = 0.0, 0  # of reading that the file lacks; sizes that it has
        self._alone = threading.Lock()

    def __enter__(self) -> "RunIndex":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._alone:
            self._keep()

    def runs(self) -> list[Run]:
        """The runs there are now, as `aa.runs.listing.list_runs` gives them."""
        with self._alone:
            folders = list(find_runs(self.outputs))
            first = self._known is None
            known, self._frames = self._known or {}, self._file.read(folders) if first else {}
            self._known = {folder: self._look(folder, known.get(folder)) for folder in folders}
            if first:
                self._sizes, self._frames = self._count_sizes(), {}
            self._keep()
            runs = [kept.run for kept in self._known.values()]
        return sorted(runs, key=lambda run: run.changed, reverse=True)

    def _look(self, folder: Path, kept: Kept | None) -> Kept:
        """A run as it is now, read only where that is not known."""
        sweep = sweep_of(folder)
        try:
            sight = look(folder, sweep)
        except OSError:
            return Kept(NEVER, run_or_unreadable(folder))
        if kept is None and folder in self._frames:
            kept = self._frames[folder].open(sight.mark, folder, sweep)
        if kept is None or kept.mark != sight.mark or is_held(folder):
            return self._read(folder, sight)
        if kept.run.changed == sight.changed:
            return kept
        return Kept(kept.mark, replace(kept.run, changed=sight.changed, counted=None))

    def _read(self, folder: Path, sight: Sight) -> Kept:
        begin = time.perf_counter()
        run = run_or_unreadable(folder)
        if run.troubles or run.state in (RUNNING, UNREADABLE):
            return Kept(NEVER, run)
        self._seconds += time.perf_counter() - begin
        return Kept(sight.mark, run)

    def _count_sizes(self) -> int:
        return sum(kept.run.known_size is not None for kept in (self._known or {}).values())

    def _keep(self) -> None:
        """Write the file, if that is worth it."""
        sizes = self._count_sizes()
        if self._seconds >= WORTH_SECONDS or sizes - self._sizes >= WORTH_SIZES:
            self._seconds, self._sizes = 0.0, sizes
            self._file.write(kept for kept in (self._known or {}).values() if kept.mark != NEVER)

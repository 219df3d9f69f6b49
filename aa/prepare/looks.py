"""What is known of all sources: read from their records, and completed where it is missing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from aa.config.prepare import PrepareConfig
from aa.data.frame_writer import remove_partial
from aa.prepare.attempts import Engine
from aa.prepare.jobs import LookJob
from aa.prepare.layout import Target
from aa.prepare.looking import look, read_look
from aa.prepare.progress import follow
from aa.prepare.scenes import Look
from aa.prepare.sources import Source
from aa.prepare.verdicts import Verdict


class Looks:
    """The records of sources, in the order of their names.

    Sources of earlier runs whose files are not there any more stay, and so do their clips. A file
    that has changed is looked at anew, and what was made of it before goes.
    """

    def __init__(self, config: PrepareConfig, target: Target, sources: list[Source]) -> None:
        self.config, self.target = config, target
        self.sources = sorted([*sources, *self._gone(sources)], key=lambda one: one.name)
        self._found: dict[str, tuple[dict[str, Any], Look | None]] = {}

    def __iter__(self) -> Iterator[tuple[Source, dict[str, Any], Look | None]]:
        """Yield each source with its record and what its samples say, None of one without clips."""
        for source in self.sources:
            yield source, *self._found[source.digest]

    def samples(self, source: Source, start: int, stop: int) -> Look:
        """The samples of a part of a source that has some."""
        found = self._found[source.digest][1]
        assert found is not None
        return found.within(start, stop)

    def complete(self, engine: Engine) -> None:
        """Look at the sources that have no record of the file that is there now.

        Raises:
            StorageError: nothing can be written any more.
        """
        jobs = []
        for source in self.sources:
            found = read_look(self.target.records, source.digest)
            if found and _is_of(found[0], source):
                self._found[source.digest] = found
            else:
                self._forget(source)
                jobs.append(self._job(source))
        sizes = [_bytes(job.path) for job in jobs]
        for job, outcome in follow(engine, look, jobs, sizes, title="looking at videos", unit="B"):
            found = read_look(self.target.records, job.digest) if outcome.result else None
            if found is None:  # no record: it is tried again the next time
                verdict = Verdict("failed", detail=outcome.lost or "its record is gone")
                found = {"identity": None, "verdict": verdict.as_dict()}, None
            self._found[job.digest] = found

    def _job(self, source: Source) -> LookJob:
        return LookJob(
            path=source.path.resolve(),
            name=source.name,
            digest=source.digest,
            records=self.target.records.resolve(),
            scenes=self.config.scenes,
            keep=self.config.keep,
        )

    def _gone(self, sources: list[Source]) -> Iterator[Source]:
        known = {source.digest for source in sources}
        for path in sorted(self.target.records.glob("*.json")):
            found = None if path.stem in known else read_look(self.target.records, path.stem)
            name = found and found[0].get("source")
            if isinstance(name, str) and Source(Path(name), name).digest == path.stem:
                yield Source(Path(str(self.config.source), name), name)

    def _forget(self, source: Source) -> None:
        """Remove what was made of an earlier file of the same name; its own record last."""
        for path in self.target.records.glob(f"{source.stem}-*.json"):
            for file in (*self.target.files(path.stem), *self._records(path.stem)):
                file.unlink(missing_ok=True)
        for file in self._records(source.digest):
            file.unlink(missing_ok=True)

    def _records(self, name: str) -> list[Path]:
        return [self.target.record(name, ending) for ending in ("npz", "jpg", "json")]


def remove_leftovers(target: Target) -> None:
    """Remove what was being written when an earlier run was stopped."""
    homes = {path.parent for path in target.files("any")}
    for home in filter(Path.is_dir, homes):
        remove_partial(home)
    for home in (*homes, target.folder, target.records, target.manifest("train").parent):
        for path in home.glob(".*.partial"):
            path.unlink(missing_ok=True)


def _is_of(record: dict[str, Any], source: Source) -> bool:
    """Return whether a record is of the file that is there now, or that is not there any more."""
    if not source.path.is_file():
        return True
    try:
        return source.identity() == record["identity"]
    except OSError:
        return record["identity"] is None


def _bytes(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0

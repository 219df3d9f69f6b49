"""Record of what an inference run has made, from case to case, so that it can be resumed."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from aa.errors import StorageError
from aa.files import read_inside, unlinked, write_text
from aa.inference.cases import Case
from aa.inference.driving import POSES, REFERENCE
from aa.runs.differences import flat, without_runs
from aa.runs.fingerprints import fingerprint
from aa.runs.kinds import MadeVideo
from aa.runs.layout import CASES
from aa.runs.reading import typed_record
from aa.runs.resume import NOT_DECISIVE

log = logging.getLogger(__name__)

MOST_BYTES = 64_000_000  # of cases.jsonl: 10,000 cases have some 20
# Keys for which videos are made, not how: the files themselves are compared instead.
WHICH = ("weights", "reference", "pose", "driving", "reference_pose", "cases", "cases_shard")

# Keys that came later, at the value that means what records without them were made with.
LATER = {"inference.weights": "float", "inference.mode": "windows", "inference.stream_chunk": 4}


class MadeVideos:
    """The lines of `cases.jsonl` in a run folder: one for each video as soon as it is done.

    Args:
        folder: the run folder.
        config: of the run, as plain values.
        weights: the weights' files.
        resumed: whether what is recorded there counts.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, Any], weights: list[Path], *, resumed: bool
    ) -> None:
        self.folder, self.config, self.weights = folder, config, weights
        self.records: dict[str, Any] = _read(folder / CASES) if resumed else {}
        if self.records:  # without a line that was cut short
            lines = [json.dumps(record) + "\n" for record in self.records.values()]
            write_text(folder / CASES, "".join(lines))
        else:
            (folder / CASES).unlink(missing_ok=True)

    def find(self, case: Case) -> dict | None:
        """The result of a case, if it is there and was made from the same files and settings."""
        record = self.records.get(case.name)
        if record is None or not all(file.is_file() for file in case.files):
            return None
        if record["signature"] != self._signature(case):
            return None
        if any(_size(self.folder / name) != size for name, size in record["bytes"].items()):
            return None
        result: dict = dict(record["result"])
        places = {k: str(self.folder / Path(result[k]).name) for k in ("video", "side_by_side")}
        if case.reference_pose is None and "reference_pose" in result:
            places["reference_pose"] = str(self.folder / POSES / REFERENCE / f"{case.name}.npz")
        return {**result, **places}

    def add(self, case: Case, result: dict) -> None:
        """Record the result of a case, whose files are whole.

        Raises:
            StorageError: it cannot be written.
        """
        files = [Path(result["video"]), Path(result["side_by_side"])]
        record = {
            "name": case.name,
            "signature": self._signature(case),
            "bytes": {file.name: _size(file) for file in files},
            "result": result,
        }
        try:
            with open(self.folder / CASES, "a", encoding="utf-8", opener=unlinked) as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise StorageError(
                f"{self.folder / CASES}: cannot be written ({error.strerror}). Make room there."
            ) from error

    @cached_property
    def _how(self) -> list[Any]:
        """All that the videos of the run have in common."""
        values = flat(without_runs(self.config))
        left_out = {*NOT_DECISIVE, *WHICH, *(k for k, v in LATER.items() if values.get(k) == v)}
        decisive = {k: v for k, v in values.items() if k not in left_out}
        return [decisive, _contents(self.weights)]

    def _signature(self, case: Case) -> str:
        files = [_contents([file]) for file in case.files]
        return _sha256([self._how, *files, case.driving])


def _contents(files: Iterable[Path]) -> list[str]:
    """Fingerprints of files, wherever they are."""
    return sorted(map(str, fingerprint(files)["files"].values()))


def _sha256(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """{name: record} of the whole lines of a file; the last one of a name counts."""
    try:
        lines = read_inside(path.parent, path.name, most=MOST_BYTES).splitlines()
    except FileNotFoundError:
        return {}
    records = [record for line in lines if (record := _record(line))]
    if len(records) < len(lines):
        count = len(lines) - len(records)
        log.warning("%s: %d lines are no records; those videos are made again", path, count)
    return {record["name"]: record for record in records}


def _record(line: bytes) -> MadeVideo | None:
    """A line, unless it was cut short by a stop, or names files elsewhere."""
    try:
        record = typed_record(json.loads(line.decode("utf-8")), MadeVideo)
    except (ValueError, RecursionError):
        return None
    return record if all(Path(name).name == name for name in record["bytes"]) else None


def _size(path: Path) -> int | None:
    """Bytes of a file, or of the files of a folder; None where there is none."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir())
    return path.stat().st_size if path.is_file() else None

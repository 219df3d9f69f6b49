"""Two runs side by side: what of them differs, and what does not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aa.runs.differences import ABSENT, flat, same_entry, without_runs
from aa.runs.kinds import Snapshot
from aa.runs.layout import first_snapshot
from aa.runs.resume import NOT_DECISIVE
from aa.runs.summary import Run, read_run
from aa.runs.tolerant import TolerantReader

Facts = dict[str, dict[str, Any]]  # of a run: {group: {key: value}}
GROUPS = ("config", "code", "packages", "data", "machine", "results")
SHORT_HASH = 12  # characters of a hash that are shown


@dataclass(frozen=True)
class Row:
    """A key and its values in both runs; `ABSENT` where one of them has none."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Group:
    """The facts of one kind.

    Attributes:
        name: one of `GROUPS`.
        differing: rows that differ; of the config those first that decide the result.
        same: rows that do not.
    """

    name: str
    differing: list[Row]
    same: list[Row] = field(repr=False)


def compare_runs(first: Path, second: Path) -> tuple[list[Group], list[str]]:
    """The `Group`s of two run folders, and lines about files of theirs that are damaged."""
    readers = [TolerantReader(first), TolerantReader(second)]
    both = [facts_of(reader) for reader in readers]
    groups = [_compared(name, both[0][name], both[1][name]) for name in GROUPS]
    troubles = [line for reader in readers for line in reader.troubles]
    return groups, list(dict.fromkeys(troubles))


def facts_of(reader: TolerantReader) -> Facts:
    """The facts of a run; what is missing or damaged is left out."""
    found = first_snapshot(lambda name: reader.json(name, Snapshot))
    snapshot, run = found or Snapshot(), read_run(reader.folder)
    reader.troubles += run.troubles
    return {
        "config": flat(without_runs(snapshot.get("config", {}))),
        "code": _code(snapshot),
        "packages": dict(snapshot.get("packages", {})),
        "data": dict(snapshot.get("data", {"files": {}})["files"]),
        "machine": flat(snapshot.get("machine", {})),
        "results": _results(run),
    }


def _compared(name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Group:
    rows = [Row(k, first.get(k, ABSENT), second.get(k, ABSENT)) for k in {**first, **second}]
    equal = same_entry if name == "data" else lambda before, after: before == after
    same = [row for row in rows if ABSENT not in (row.first, row.second)]
    same = [row for row in same if equal(row.first, row.second)]
    kept = {row.key for row in same}
    differing = [row for row in rows if row.key not in kept]
    return Group(name, sorted(differing, key=lambda row: row.key in NOT_DECISIVE), same)


def _code(snapshot: Snapshot) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "git" in snapshot:
        git = snapshot["git"]
        found["commit"] = git["commit"] if git else "no checkout"
        found["uncommitted changes"] = _changes(git["diff"]) if git else "unknown"
    return found | {k: digest[:SHORT_HASH] for k, digest in snapshot.get("code", {}).items()}


def _changes(diff: str) -> str:
    """A diff in words: how many files, and a hash by which two are told apart."""
    if not diff.strip():
        return "none"
    files = diff.count("\ndiff --git ") + diff.startswith("diff --git ")
    digest = hashlib.sha256(diff.encode("utf-8", "replace")).hexdigest()[:SHORT_HASH]
    return f"{files} file{'s' * (files != 1)}, sha256 {digest}"


def _results(run: Run) -> dict[str, Any]:
    found = {"state": run.state, "error": run.error, "seconds": run.seconds, "step": run.step}
    for name, metric in run.metrics.items():
        found[name] = metric.value
        if metric.step is not None:
            found[f"{name} at step"] = metric.step
    return found

"""`rerun_check=true`: whether a rerun came to the result of the run it repeats."""

import logging
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from aa.errors import DifferenceError
from aa.runs.differences import ABSENT, changed_files, changed_leaves
from aa.runs.fingerprints import sha256
from aa.runs.kinds import FileEntry, Summary
from aa.runs.layout import SCORES, STAGES, SUMMARY, list_checkpoints
from aa.runs.lines import read_records
from aa.runs.links import check_own
from aa.runs.outcomes import FAILED, INTERRUPTED, RUNNING, read_outcome, state
from aa.runs.reading import find_record, read_json

log = logging.getLogger(__name__)

TRAINED = ("loss", "learning_rate", "grad_norm")  # the rest of a record is time and memory


def check_rerun(old: str | Path, new: str | Path) -> None:
    """Compare a finished run with the one it repeats.

    Args:
        old, new: their folders.

    Raises:
        DifferenceError: names the first number, file or video that differs.
    """
    check_own(old)
    first = next(differences(Path(old), Path(new)), None)
    if first:
        raise DifferenceError(f"differs from {old}: {first}")
    log.info("identical to %s: %s", old, _counts(Path(old)))


def differences(old: Path, new: Path) -> Iterator[str]:
    """Yield a line about each difference of two runs' results; both must be whole."""
    if reason := _unfinished(old):
        yield f"it {reason}"
        return
    if reason := _cut_short(new):
        yield f"this one {reason}"
        return
    if not _counts(old):
        yield "it has no result to compare with."
    for part in _parts(old):
        if not (new / part).is_dir():
            yield f"{part} is missing."
            return
        where = f"{part}, " if part else ""
        yield from (where + line for line in _records(old / part, new / part))
        yield from (where + line for line in _weights(old / part, new / part))
    yield from _videos(old, new)
    yield from _exported(old, new)
    yield from _scores(old, new)


def _unfinished(old: Path) -> str | None:
    """The reason why the result of an earlier run is not whole, or None."""
    its_state, outcome = state(old), read_outcome(old)
    if its_state == FAILED:
        return f"has failed: {outcome and outcome['error']}"
    if its_state in (INTERRUPTED, RUNNING):
        return f"is {its_state}: there is no whole result to compare with."
    return _cut_short(old)


def _cut_short(run: Path) -> str | None:
    """Say that a training of a run has no end, else None. Asks nobody who holds the folder."""
    begun = [run / part for part in _parts(run) if (run / part / "metrics.jsonl").exists()]
    missing = [part / SUMMARY for part in begun if not (part / SUMMARY).exists()]
    return f"has ended early: there is no {missing[0]}." if missing else None


def _parts(run: Path) -> list[str]:
    return [part for part in STAGES if (run / part).is_dir()] or [""]


def _counts(run: Path) -> str:
    """Count what there is to compare, like "12 steps, 5 weights files"."""
    records = [_numbers(run / part) for part in _parts(run)]
    counts = {
        "step": sum(found[-1]["step"] for found in records if found),
        "weights file": sum(len(_newest(run / part)) for part in _parts(run)),
        "video": len(_hashes(run)),
        "file": len(_files(run)),
        "table": sum((run / name).is_file() for name in SCORES),
    }
    return ", ".join(f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items() if n)


def _records(old: Path, new: Path) -> Iterator[str]:
    for before, after in zip_longest(_numbers(old), _numbers(new)):
        if before is None or after is None:
            said = "a record, there was none" if after else "no record, there was one"
            (step,) = (record["step"] for record in (before, after) if record)
            yield f"step {step}: has {said}."
            return
        for key, was, value in changed_leaves(before, after):
            yield f"step {after['step']}: {key} is {_text(value)}, was {_text(was)}."


def _numbers(run: Path) -> list[dict[str, Any]]:
    """The records of a training without what differs from run to run."""
    file = run / "metrics.jsonl"
    return [
        {k: v for k, v in record.items() if k in ("step", *TRAINED) or k.startswith("val/")}
        for record in (read_records(file) if file.is_file() else [])
    ]


def _weights(old: Path, new: Path) -> Iterator[str]:
    before, after = _newest(old), _newest(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name} is missing."
        elif name not in before:
            yield f"{name} is new."
        elif sha256(before[name]) != sha256(after[name]):
            yield f"{name}: other weights."


def _newest(run: Path) -> dict[str, Path]:
    """{"step-000500/vae.safetensors": path} of the newest checkpoint."""
    files = [f for folder in list_checkpoints(run)[-1:] for f in folder.glob("*.safetensors")]
    return {f"{file.parent.name}/{file.name}": file for file in files if file.is_file()}


def _videos(old: Path, new: Path) -> Iterator[str]:
    before, after = _hashes(old), _hashes(new)
    for name, kinds in before.items():
        if name not in after:
            yield f"{name} is missing."
        elif kinds.get("uint8") != after[name].get("uint8"):
            yield f"{name}: other frames."
        elif kinds.get("float32") != after[name].get("float32"):
            yield f"{name}: frames differ before they are rounded to 8 bits."
    yield from (f"{name} is new." for name in after if name not in before)


def _hashes(run: Path) -> dict[str, dict[str, str]]:
    """{name of the video: hashes of its frames} of an inference."""
    videos = (find_record(run, SUMMARY, Summary) or {}).get("videos", [])
    known = [v for v in videos if "video" in v and "sha256_of_frames" in v]
    return {Path(v["video"]).name: v["sha256_of_frames"] for v in known}


def _exported(old: Path, new: Path) -> Iterator[str]:
    yield from (f"{line}." for line in changed_files(_files(old), _files(new)))


def _files(run: Path) -> dict[str, FileEntry]:
    """{name: size and hash} of the files of an export."""
    return (find_record(run, SUMMARY, Summary) or {}).get("files", {})


def _scores(old: Path, new: Path) -> Iterator[str]:
    for name in SCORES:
        if not (old / name).is_file():
            continue
        if not (new / name).is_file():
            yield f"{name} is missing."
            continue
        for key, was, value in changed_leaves(read_json(old / name), read_json(new / name)):
            yield f"{name}: {key} is {_text(value)}, was {_text(was)}."


def _text(value: Any) -> str:
    return "missing" if value is ABSENT else str(value)

"""The check of a data set: every clip examined, copies among them found, a report written."""

import logging
from collections import Counter
from pathlib import Path
from typing import Any, cast

from aa.config.convert import to_dict
from aa.config.prepare import PrepareConfig
from aa.data.manifest import Clip
from aa.errors import UserError, some
from aa.plain import printable
from aa.prepare.attempts import Engine
from aa.prepare.check_report import write_check_report
from aa.prepare.examining import CheckJob, examine
from aa.prepare.findings import FAULTS, NOTES, Finding
from aa.prepare.listing import Listing, list_clips
from aa.prepare.progress import follow
from aa.prepare.repeats import find_repeats
from aa.runs.fingerprints import fingerprint
from aa.runs.snapshots import write_snapshot

log = logging.getLogger(__name__)


def check_data_set(config: PrepareConfig, folder: Path, *, engine: Engine) -> None:
    """Check a data set and write the report into the run folder.

    Raises:
        UserError: something in it would make a training fail or learn nonsense.
    """
    listing = list_clips(cast(str, config.check))
    files = [path for clip in listing.clips for path in (clip.video, clip.pose)]
    write_snapshot(folder, to_dict(config), fingerprint(files))
    rows = _rows(listing, _examined(config, listing, engine), config.keep.max_similarity)
    summary = summarise(rows)
    write_check_report(folder, cast(str, config.check), summary, rows)
    print(f"report:   {printable(folder / 'report.html')}")
    if summary["faults"]:
        bad = [f"{r['clip']}: {f.words}" for r in rows for f in r["findings"] if f.is_fault]
        raise UserError(
            f"check={config.check}: {len(bad)} faults in {summary['clips']} clips: {some(bad)}. "
            f"All are in {folder / 'report.html'}."
        )
    print(line(summary))


def _examined(config: PrepareConfig, listing: Listing, engine: Engine) -> dict[Clip, dict]:
    keep, jobs = config.keep, {}
    for clip in listing.clips:
        paths = (clip.video, clip.pose, listing.keypoints(clip))
        jobs[CheckJob(*paths, keep.min_frames, keep.min_seen)] = clip
    sizes = [job.video.stat().st_size + job.pose.stat().st_size for job in jobs]
    found = {}
    for job, outcome in follow(engine, examine, [*jobs], sizes, title="checking clips", unit="B"):
        lost = {"findings": [Finding("failed", outcome.lost or "")]}
        found[jobs[job]] = outcome.result or lost
    return {clip: found[clip] for clip in listing.clips}


def _rows(listing: Listing, examined: dict[Clip, dict], most: float) -> list[dict[str, Any]]:
    """What is found about each clip and about each file that is none, in this order."""
    readable = [clip for clip, found in examined.items() if "thumbs" in found]
    thumbs = [examined[clip]["thumbs"] for clip in readable]
    for clip, repeat in zip(readable, find_repeats(thumbs, max_similarity=most), strict=True):
        if repeat:
            other = listing.name(readable[repeat[0]].video)
            words = f"moves as {other} does: similarity {repeat[1]:.2f}"
            examined[clip]["findings"].append(Finding("repeats", words, repeat[1], most))
    rows, listed = [], dict(listing.findings)
    for clip, found in examined.items():
        name = listing.name(clip.video)
        findings = [*listed.pop(name, []), *found["findings"]]
        rows.append({"clip": name, **found, "findings": findings})
    return rows + [{"clip": name, "findings": findings} for name, findings in listed.items()]


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Numbers of clips and of findings by their kinds."""
    kinds = Counter(finding.kind for row in rows for finding in row["findings"])
    return {
        "clips": sum("about" in row for row in rows),
        "frames": sum(row["about"]["frames"] for row in rows if "about" in row),
        "faults": {kind: kinds[kind] for kind in FAULTS if kinds[kind]},
        "notes": {kind: kinds[kind] for kind in NOTES if kinds[kind]},
    }


def line(summary: dict[str, Any]) -> str:
    """The summary of a data set without faults in a line."""
    notes = [f"{number} {NOTES[kind]}" for kind, number in summary["notes"].items()]
    return (
        f"{summary['clips']} clips of {summary['frames']} frames, no fault; "
        f"notes: {', '.join(notes) or 'none'}"
    )

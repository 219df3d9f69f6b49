"""What came of it all, as rows for the report and as one line."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from aa.prepare.preparation import Decision
from aa.prepare.verdicts import REASONS


def rows(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """Every decision as plain values."""
    return [_row(decision) for decision in decisions]


def _row(decision: Decision) -> dict[str, Any]:
    record, fps = decision.record, decision.record.get("fps")
    about: dict[str, Any] = {"source": decision.source.name, "clip": decision.clip}
    if decision.clip and fps:
        about |= {
            "frames": [decision.start, decision.stop],
            "seconds": [round(frame / fps, 2) for frame in (decision.start, decision.stop)],
            "fps": round(fps, 3),
            "size": [record["height"], record["width"]],
            "note": record["note"],
            "measures": decision.measures,
        }
    return {**about, "split": decision.split, **decision.verdict.as_dict()}


def summarise(decisions: Sequence[Decision]) -> dict[str, Any]:
    """Numbers of videos and clips by what became of them."""
    clips = [decision for decision in decisions if decision.clip]
    kept = [decision for decision in decisions if decision.kept]
    splits = Counter(decision.split for decision in kept)
    reasons = Counter(d.verdict.reason for d in decisions if not d.kept)
    return {
        "videos": len({decision.source.name for decision in decisions}),
        "clips": len(clips),
        "kept": len(kept),
        "train": splits["train"],
        "validation": splits["validation"],
        "minutes": round(sum((d.stop - d.start) / d.record["fps"] for d in kept) / 60, 2),
        "dropped": {reason: reasons[reason] for reason in REASONS if reasons[reason]},
    }


def line(summary: dict[str, Any]) -> str:
    """The summary in a line."""
    dropped = [f"{number} {REASONS[reason].title}" for reason, number in summary["dropped"].items()]
    clips = "clip" if summary["kept"] == 1 else "clips"
    return (
        f"kept {summary['kept']} {clips} ({summary['minutes']:g} minutes) of {summary['videos']} "
        f"videos: {summary['train']} to train on, {summary['validation']} to validate; "
        f"dropped: {', '.join(dropped) or 'none'}"
    )

"""The page of a check: every clip with what was found, faults first."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aa.files import write_json, write_text
from aa.prepare.findings import FAULTS, NOTES, Finding
from aa.prepare.report import MOST_PICTURES, STYLE
from aa.reports.pages import Html, note, page, table

TITLES = ("clip", "pictures", "found", "measured", "limit", "poses")


def write_check_report(
    folder: Path, data_set: str, summary: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Write report.json and report.html of a check.

    Args:
        rows: of `clip`, `findings` and what `aa.prepare.examining.examine` returns.
    """
    plain = [
        {
            "clip": row["clip"],
            **row.get("about", {}),
            "findings": [finding.as_dict() for finding in row["findings"]],
        }
        for row in rows
    ]
    write_json(folder / "report.json", {"check": data_set, "summary": summary, "rows": plain})
    groups: dict[str, list] = {"Faults": [], "Notes": [], "Without findings": []}
    for row in rows:
        groups[_group(row["findings"])].append(row)
    parts, room = [_counts(summary)], MOST_PICTURES
    for title, its in groups.items():
        if its:
            parts.append(Html("<h2>{}: {}</h2>").format(title, len(its)))
            parts.append(table(TITLES, [_row(row, pictured=n < room) for n, row in enumerate(its)]))
            room = max(0, room - len(its))
    if len(rows) > MOST_PICTURES:
        parts.append(note(f"The first {MOST_PICTURES} clips have pictures, to keep it small."))
    write_text(folder / "report.html", page(f"Check of {data_set}", parts, style=STYLE))


def _group(findings: Sequence[Finding]) -> str:
    if any(finding.is_fault for finding in findings):
        return "Faults"
    return "Notes" if findings else "Without findings"


def _counts(summary: dict[str, Any]) -> Html:
    titles, found = {**FAULTS, **NOTES}, {**summary["faults"], **summary["notes"]}
    counts = ", ".join(f"{number} {titles[kind]}" for kind, number in found.items())
    return Html("<p>{} clips, {} frames.</p>\n<p>{}</p>").format(
        summary["clips"], summary["frames"], counts or "nothing found"
    )


def _row(row: dict[str, Any], *, pictured: bool) -> tuple[object, Sequence[object], bool]:
    about, findings = row.get("about"), row["findings"]
    name, share = Html("<b>{}</b>").format(row["clip"]), ""
    if about:
        height, width = about["size"]
        what = f"{about['frames']} frames of {width}x{height}, {about['fps']:g} per second"
        name, share = Html("{}<br>{}").format(name, what), f"{about['pose_share']:.0%}"
    picture = Html("")
    if pictured and "picture" in row:
        data = base64.b64encode(row["picture"]).decode()
        picture = Html('<img loading="lazy" alt="" src="data:image/jpeg;base64,{}">').format(data)
    values = [[_number(getattr(f, key)) for f in findings] for key in ("measured", "limit")]
    cells = [Html("<br>").join(lines) for lines in ([f.words for f in findings], *values)]
    return name, (picture, *cells, share), False


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"

"""The page of every decision: pictures, the reason in words, the measured value and the limit."""

import base64
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from aa.files import write_json, write_text
from aa.prepare.layout import Target
from aa.prepare.verdicts import REASONS
from aa.reports.pages import Html, joined, note, page, table

MOST_PICTURES = 1000  # of a page that a browser still opens: some 15 kB each
STYLE = Html("""
body { max-width: 80rem; }
td { white-space: normal; vertical-align: top; overflow-wrap: anywhere; min-width: 4rem; }
td:first-child { min-width: 11rem; }
th, td:nth-child(3), td:nth-child(6) { text-align: left; }
td:nth-child(3) { min-width: 14rem; }
td img { max-width: 26rem; width: 100%; min-width: 12rem; background: none; }
""")
TITLES = ("clip", "pictures", "decision", "measured", "limit", "key")


def write_report(
    target: Target, settings: dict[str, Any], summary: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Write report.json and report.html of a data set that was made."""
    write_json(
        target.folder / "report.json", {"summary": summary, "settings": settings, "rows": rows}
    )
    pictures = _Pictures(target.records)
    order = [*REASONS]
    ranked = sorted(rows, key=lambda row: order.index(row["reason"]))
    parts = [_counts(summary)]
    for reason, group in groupby(ranked, key=lambda row: row["reason"]):
        its = list(group)
        title = f"{REASONS[reason].title}: {len(its)}"
        parts.append(Html('<h2 id="{}">{}</h2>').format(reason, title))
        parts.append(table(TITLES, [_row(row, pictures) for row in its]))
    if pictures.left_out:
        parts.append(
            note(f"{pictures.left_out} clips have no pictures here, to keep the page small.")
        )
    parts += [Html("<h2>Settings</h2>"), _settings(settings)]
    name = target.folder.resolve().name
    write_text(target.folder / "report.html", page(f"Data set {name}", parts, style=STYLE))


class _Pictures:
    """The strips of clips as images in the page."""

    def __init__(self, records: Path) -> None:
        self.records, self.shown, self.left_out = records, 0, 0

    def of(self, clip: str | None) -> Html:
        path = self.records / f"{clip}.jpg"
        if clip is None or not path.is_file():
            return Html("")
        if self.shown == MOST_PICTURES:
            self.left_out += 1
            return Html("")
        self.shown += 1
        data = base64.b64encode(path.read_bytes()).decode()
        return Html('<img loading="lazy" alt="" src="data:image/jpeg;base64,{}">').format(data)


def _counts(summary: dict[str, Any]) -> Html:
    reasons = {"kept": summary["kept"], **summary["dropped"]}
    links = [
        Html('<a href="#{}">{} {}</a>').format(reason, number, REASONS[reason].title)
        for reason, number in reasons.items()
        if number
    ]
    return Html(
        "<p>{} videos, {} clips; kept are {:g} minutes: {} clips to train on, {} to validate with."
        "</p>\n<p>{}</p>"
    ).format(
        *(summary[key] for key in ("videos", "clips", "minutes", "train", "validation")),
        Html(" &middot; ").join(links),
    )


def _row(row: dict[str, Any], pictures: _Pictures) -> tuple[object, Sequence[object], bool]:
    where = [row["source"]] if row["clip"] else []
    if row["clip"]:
        start, stop = row["seconds"]
        height, width = row["size"]
        first, last = row["frames"]
        where.append(f"{start:g} to {stop:g} s, {last - first} frames of {width}x{height}")
        where.append(row["note"] or "")
        where.append(
            ", ".join(f"{name} {_short(value)}" for name, value in row["measures"].items())
        )
    lines = [
        Html("<b>{}</b>").format(row["clip"] or row["source"]),
        *map(Html.escape, filter(None, where)),
    ]
    words = row["words"] if not row["split"] else f"{row['words']}: {row['split']}"
    cells = (pictures.of(row["clip"]), words, *map(_number, (row["measured"], row["limit"])))
    return Html("<br>").join(filter(None, lines)), (*cells, row["key"] or ""), False


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _settings(settings: dict[str, Any]) -> Html:
    rows: Iterable[Any] = ((key, (str(value),), False) for key, value in settings.items())
    return joined([table(("key", "value"), rows)])

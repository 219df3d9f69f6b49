"""The gallery: what animations have made, beside what they came from."""

from contextlib import suppress

from flask import Blueprint, render_template, request

from aa.app.desk import desk
from aa.app.media import Result, results_of
from aa.errors import UserError
from aa.runs.listing import Run

screen = Blueprint("gallery", __name__)

PAGE = 12  # results shown at once


@screen.get("/gallery")
def gallery() -> str:
    """Results, the newest first."""
    text = request.args.get("first", "0")
    first = int(text) if text.isdecimal() and len(text) < 10 else 0
    runs = [run for run in desk().shelf.runs() if run.kind == "infer"]
    found = [(run, result) for run in runs for result in results_of(run.folder)]
    cards = [_card(*pair) for pair in found[first : first + PAGE]]
    return render_template("gallery.html", cards=cards, count=len(found), first=first, page=PAGE)


def _card(run: Run, result: Result) -> dict:
    """A result with the files that it came from, as far as they may be shown."""
    return {
        "run": run,
        "result": result,
        "reference": shown(run, result.reference),
        "pose": shown(run, result.pose),
    }


def shown(run: Run, path: str) -> str | None:
    """A file of a run's config as it may be asked for; None where it may not, or is gone."""
    with suppress(UserError):
        return str(desk().places.file(str(run.home / path))) if path else None
    return None

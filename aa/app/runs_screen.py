"""The screen of all runs, and what is changed of one: note, tags, star, requests."""

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aa.app.asking import given, given_list, json_of
from aa.app.desk import desk
from aa.errors import UserError
from aa.runs.layout import SWEEP
from aa.runs.notes import change_tags, set_note, set_star
from aa.runs.requests import ask

screen = Blueprint("runs", __name__)

PAGE = 50  # runs shown at once


@screen.get("/runs")
def runs() -> str:
    """The table, or, for what refreshes it, its rows alone."""
    text, first = request.args.get("find", ""), _first()
    found, metrics, wrong = [], [], None
    try:
        found, metrics = desk().shelf.find(text)
    except UserError as error:
        wrong = str(error)
    template = "runs_table.html" if "part" in request.args else "runs.html"
    return render_template(
        template,
        runs=found[first : first + PAGE],
        count=len(found),
        first=first,
        page=PAGE,
        metrics=metrics,
        find=text,
        wrong=wrong,
        sweeps=_sweeps(found[first : first + PAGE]),
    )


@screen.get("/compare-these")
def compare_these() -> Response:
    """From the boxes of the table to the comparison."""
    return redirect(url_for("compare.compare", run=request.args.getlist("run")), 303)


@screen.post("/api/note")
def note() -> Response:
    """Write the note of a run, change its tags and its star."""
    values = json_of(request)
    folder = desk().places.run(given(values, "run"))
    if "note" in values:
        set_note(folder, given(values, "note", empty=True))
    if "tags" in values:
        wanted = given(values, "tags", empty=True).replace(",", " ").split()
        had = given(values, "had", empty=True).split()
        change_tags(folder, wanted, set(had) - set(wanted))
    if "star" in values:
        set_star(folder, values["star"] is True)
    return jsonify({})


@screen.post("/api/ask")
def ask_run() -> Response:
    """Leave a request to a training that runs."""
    values = json_of(request)
    wishes = given_list(values, "ask")
    ask(desk().places.run(given(values, "run")), wishes)
    return jsonify({"said": f"Asked to {', '.join(wishes)}: after the step in hand."})


def _first() -> int:
    text = request.args.get("first", "0")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _sweeps(runs: list[Any]) -> list[str]:
    """The sweeps that some runs are jobs of."""
    folders = dict.fromkeys(run.sweep for run in runs if run.sweep)
    return [desk().places.name(folder) for folder in folders if (folder / SWEEP).is_file()]

"""The screen Animate: what from what, how long it takes, the check of poses, into the queue."""

import re
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response

from aa.app.asking import given, given_number, json_of
from aa.app.commands import overrides, to_copy
from aa.app.desk import desk
from aa.app.estimates import estimate
from aa.app.wishes import FORM, MOST_FRAMES, MOST_SIDE, NUMBERS, SAME, Wish, form_of, read_wish
from aa.demo.example import EXAMPLE, POSE, REFERENCE
from aa.errors import UserError
from aa.runs.jobs import short
from aa.runs.layout import list_checkpoints
from aa.runs.listing import read_run
from aa.runs.promotion import MODELS, find_models

screen = Blueprint("animate", __name__)

PREVIEWS = 8  # of an animation, about
MOST_WEIGHTS = 200  # that are offered
MOST_NAME = 40  # characters of what a form calls itself
EMPTY = {**dict.fromkeys((*FORM, *NUMBERS), ""), "kind": "pose", "preset": "fast"}
EMPTY |= {"seed": 42, "person": "largest"}


@screen.get("/animate")
def animate() -> str:
    """The form: empty, as a run or an earlier check filled it, or with the example."""
    form: dict[str, Any] = {**EMPTY, "weights": next(iter(_weights()), "")}
    if again := request.args.get("again"):
        form |= form_of(read_run(desk().places.run(again)), desk().places)
    elif name := request.args.get("check"):
        form |= desk().checks.check(name).values
    elif "example" in request.args:
        files = {"reference": EXAMPLE / REFERENCE, "motion": EXAMPLE / POSE, "weights": EXAMPLE}
        form |= {key: str(path) for key, path in files.items()}
    if "other" in request.args:
        form["reference"] = ""
    return render_template(
        "animate.html",
        form=form,
        same=SAME,
        pictures=desk().places.pictures(),
        videos=desk().places.videos(),
        weights=_weights(),
        uploads=list(desk().uploads.files()),
        example=desk().figure.there,
        most_mb=desk().options.upload_mb,
    )


@screen.post("/api/estimate")
def time_of() -> Response:
    """How long a wish will take, as earlier runs say."""
    values = json_of(request)
    wish = _wish(values)
    frames = given_number(values, "frames", least=1, most=MOST_FRAMES) or 1
    height, width = (
        given_number(values, key, least=1, most=MOST_SIDE * 4) or 64
        for key in ("result_height", "result_width")
    )
    found = estimate(wish, (int(frames), int(height), int(width)), desk().shelf.runs())
    return jsonify({"seconds": found.seconds, "runs": found.runs})


@screen.post("/api/plan")
def plan() -> Response:
    """The memory that a wish will take."""
    values = json_of(request)
    form = given(values, "form", empty=True)
    return jsonify(desk().plans.plan(_wish(values).arguments(), form[:MOST_NAME]))


@screen.post("/api/check")
def check_poses() -> Response:
    """Begin the check of a wish's poses."""
    values = _texts(json_of(request))
    name = desk().checks.begin(_wish(values), values)
    return jsonify({"go": url_for("animate.check", name=name)})


@screen.post("/api/check/stop")
def stop_check() -> Response:
    """Stop a check."""
    desk().checks.stop(given(json_of(request), "check"))
    return jsonify({})


@screen.get("/check/<name>")
def check(name: str) -> str:
    """A check of poses, and what to do with it."""
    found = desk().checks.check(name)
    wish = _wish(found.values)
    return render_template(
        "check_part.html" if "part" in request.args else "check.html",
        check=found,
        wish=wish,
        people=("largest", "left", "right", "0", "1", "2", "3"),
        command=to_copy("infer", wish.arguments()),
    )


@screen.post("/api/start")
def start() -> Response:
    """Put the wish of a check into the queue."""
    found = desk().checks.check(given(json_of(request), "check"))
    wish, queue = _wish(found.values), desk().queue
    folder = queue.new_folder(re.sub(r"[^\w-]+", "_", wish.title, flags=re.ASCII).strip("_")[:40])
    job = queue.add(wish.title, "infer", arguments_of(wish, short(folder)), folder)
    return jsonify({"go": url_for("queue.queue", _anchor=f"job-{job.number}")})


def arguments_of(wish: Wish, folder: str) -> list[str]:
    """The arguments of a wish's command: its run folder, and how it goes on there."""
    every = max(1, wish.steps[0] // PREVIEWS)
    more = overrides({"preview_every": every, "hydra.run.dir": folder, "resume": "auto"})
    cache = desk().checks.cache() if wish.driving else []
    return [*wish.arguments(), *cache, *more]


def _wish(values: dict[str, Any]) -> Wish:
    again = given(values, "again", empty=True)
    repeated = read_run(desk().places.run(again)) if again else None
    return read_wish(values, desk().places, repeated)


def _texts(values: dict[str, Any]) -> dict[str, str]:
    """The values of the form as texts; others are left out."""
    keys = (*FORM, *NUMBERS)
    found = {key: values[key] for key in keys if values.get(key) is not None}
    if any(not isinstance(value, str | int | float) for value in found.values()):
        raise UserError("texts are expected.")
    return {key: str(value) for key, value in found.items()}


def _weights() -> list[str]:
    """Weights to choose from: named models, trainings, the example, released ones."""
    found = [str(model) for model in find_models(MODELS)]
    for run in desk().shelf.runs():
        if run.kind == "train" and any(
            list_checkpoints(run.folder / part) for part in ("", "stage1", "stage2")
        ):
            found.append(short(run.folder))
    found += [str(EXAMPLE)] if desk().figure.there else []
    return [*found, *(["pretrained_weights"] if _is_usable("pretrained_weights") else [])][
        :MOST_WEIGHTS
    ]


def _is_usable(path: str) -> bool:
    try:
        return desk().places.folder(path).is_dir()
    except UserError:
        return False

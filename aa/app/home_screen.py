"""The first screen: a figure that follows a skeleton, and what there is to do."""

import functools

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from aa.app.asking import json_of
from aa.app.desk import desk
from aa.app.figure import STEPS
from aa.poses.skeleton import JOINTS, LIMBS, RAINBOW
from aa.puppets.figure import draw_character, draw_motion, keypoints

screen = Blueprint("home", __name__)

CHARACTER, MOTION, RATE, FRAMES = 3, 11, 8, 48  # of the motion that may drive it; frames a second
NEWEST = 5  # runs


@screen.get("/")
def home() -> str:
    """The figure, and the newest runs."""
    return render_template(
        "home.html",
        figure=desk().figure.there,
        steps=STEPS,
        runs=desk().shelf.runs()[:NEWEST],
    )


@screen.get("/api/skeleton")
def skeleton() -> Response:
    """The joints of a motion in 0..1, the limbs between them, and their colours."""
    return jsonify(_skeleton())


@screen.post("/api/figure")
def figure() -> Response:
    """The figure in a pose."""
    values = json_of(request)
    return jsonify(desk().figure.animate(values.get("points"), values.get("steps")))


@functools.cache
def _skeleton() -> dict:
    character, motion = draw_character(CHARACTER), draw_motion(MOTION)
    frames = [
        (keypoints(character, motion, n / RATE, height=1000, width=1000) + 0.5) / 1000
        for n in range(FRAMES)
    ]
    return {
        "names": JOINTS,
        "limbs": LIMBS,
        "colours": RAINBOW,
        "rate": RATE,
        "frames": [frame.round(4).tolist() for frame in frames],
    }

"""The page as a Flask application: its screens, its templates, its errors."""

import logging
import time
from datetime import datetime

from flask import Flask, Response, jsonify, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from aa.app import (
    animate_screen,
    compare_screen,
    gallery_screen,
    home_screen,
    queue_screen,
    run_screen,
    runs_screen,
    sending,
    uploads_screen,
)
from aa.app.desk import KEY, Desk
from aa.app.security import protect
from aa.app.uploads import unhashed
from aa.errors import UserError, one_line
from aa.plain import printable
from aa.runs.jobs import short

log = logging.getLogger(__name__)

SCREENS = (
    home_screen.screen,
    animate_screen.screen,
    queue_screen.screen,
    gallery_screen.screen,
    runs_screen.screen,
    run_screen.screen,
    compare_screen.screen,
    uploads_screen.screen,
    sending.screen,
)
MOST_FORM = 2**20  # bytes of a request that uploads nothing
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def create_app(desk: Desk) -> Flask:
    """The application that serves a desk."""
    app = Flask(__name__)
    app.extensions[KEY] = desk
    app.config["MAX_CONTENT_LENGTH"] = MOST_FORM
    app.config["MAX_FORM_PARTS"] = 100
    app.url_map.merge_slashes = False  # a path with two is none of ours, and no way to another
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {"age": _age, "span": span, "number": number, "short": short}
    app.jinja_env.filters |= {"unhashed": unhashed, "shown_as": sending.shown_as}
    app.jinja_env.filters["clean"] = lambda text: printable(str(text), keep="\n\t")
    app.jinja_env.filters["when"] = lambda at: f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M}"
    app.jinja_env.globals["title"] = desk.title
    app.jinja_env.globals["run_name"] = desk.places.name
    protect(app)
    for screen in SCREENS:
        app.register_blueprint(screen)
    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _mistake)
    return app


def span(seconds: float | None) -> str:
    """ "3 min" of some seconds."""
    if seconds is None:
        return ""
    unit, length = next((u for u in UNITS if seconds >= 2 * u[1]), UNITS[-1])
    return f"{max(0, seconds) / length:.0f} {unit}"


def number(value: float) -> str:
    """A number in four digits."""
    return f"{value:.4g}"


def _age(changed: float) -> str:
    return f"{span(time.time() - changed)} ago"


def _user_error(error: UserError) -> Response:
    return _answer(400, one_line(error))


def _http_error(error: HTTPException) -> Response:
    said = error.description or error.name
    if isinstance(error, RequestEntityTooLarge):
        said = "this is larger than the page takes."
    answer = _answer(error.code or 500, one_line(said))
    if allowed := dict(error.get_headers()).get("Allow"):
        answer.headers["Allow"] = allowed
    return answer


def _mistake(error: Exception) -> Response:
    """What only the log may know."""
    log.error("%s %s", request.method, one_line(request.path), exc_info=error)
    return _answer(500, "this is a mistake of the page; its log has more: app.log.")


def _answer(code: int, said: str) -> Response:
    """One line, as JSON where a script has asked."""
    if request.path.startswith("/api/") or request.is_json:
        answer = jsonify({"error": said})
    else:
        answer = Response(render_template("error.html", said=said, code=code))
    answer.status_code = code
    return answer

"""Uploads and files of allowed folders: taken, looked into, removed."""

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from aa.app.asking import given, json_of
from aa.app.desk import desk
from aa.app.examine import examine
from aa.app.incoming import TAKE_TIME
from aa.app.uploads import MB

screen = Blueprint("uploads", __name__)


@screen.post("/api/upload")
def upload() -> Response:
    """Take the body of a request as a file."""
    request.environ.get(TAKE_TIME, lambda: None)()
    request.max_content_length = desk().options.upload_mb * MB
    title = request.args.get("name", "")
    return jsonify(desk().uploads.take(request.stream, request.content_length, title))


@screen.post("/api/look")
def look() -> Response:
    """Say what is in a file below the allowed folders."""
    path = given(json_of(request), "path")
    return jsonify({**examine(desk().places.file(path)), "path": path})


@screen.post("/api/upload/remove")
def remove() -> Response:
    """Remove an upload."""
    desk().uploads.remove(given(json_of(request), "name"))
    return jsonify({})

"""Files sent to a browser: of few kinds, never as a page; reports in a sandbox."""

import os
from datetime import datetime, timezone
from pathlib import Path

from flask import Blueprint, Response, abort, request
from werkzeug.datastructures import Headers
from werkzeug.wsgi import wrap_file

from aa.app.desk import desk
from aa.app.security import REPORT_POLICY
from aa.errors import UserError

screen = Blueprint("sending", __name__)

KINDS = {
    **{".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime"},
    **{".mkv": "video/x-matroska", ".avi": "video/x-msvideo"},
    **{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"},
    **{".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp"},
    **{".log": "text/plain; charset=utf-8", ".json": "application/json"},
    **{".jsonl": "text/plain; charset=utf-8", ".yaml": "text/plain; charset=utf-8"},
    ".npz": "application/octet-stream",
}
UNPLAYED = (".avi",)  # videos that browsers do not play
REPORTS = ("report.html", "demo.html")  # names of pages that are written here


@screen.get("/file")
def file() -> Response:
    """A file below the allowed folders; `save` keeps it on the reader's disk."""
    path = request.args.get("path", "")
    kind = KINDS.get(Path(path).suffix.lower())
    if kind is None:
        abort(404, "there is no such file of a kind that is shown.")
    return _send(path, kind, save="save" in request.args)


@screen.get("/report")
def report() -> Response:
    """A report of a run or a sweep, a page that can do nothing to ours."""
    path = request.args.get("path", "")
    if Path(path).name not in REPORTS:
        abort(404, "there is no such report.")
    if request.headers.get("Sec-Fetch-Dest", "iframe") != "iframe":
        abort(403, "a report is shown on the screen of its run: in a tab it could lead elsewhere.")
    answer = _send(path, "text/html; charset=utf-8", save=False)
    answer.headers["Content-Security-Policy"] = REPORT_POLICY
    return answer


def shown_as(path: str | Path) -> str:
    """How a page shows a file: a "video", a "picture", a "file" to save, or "" for no way."""
    ending = Path(path).suffix.lower()
    kind = KINDS.get(ending, "").partition("/")[0]
    if ending in UNPLAYED or kind not in ("video", "image", ""):
        return "file"
    return "picture" if kind == "image" else kind


def _send(path: str, kind: str, *, save: bool) -> Response:
    """A file, or the range of it that is asked for."""
    try:
        descriptor = desk().places.open(path)
    except UserError as error:
        abort(404, str(error))
    opened = os.fdopen(descriptor, "rb")
    status = os.fstat(descriptor)
    headers = Headers({"Content-Length": str(status.st_size)})
    if save:
        headers.add("Content-Disposition", "attachment", filename=Path(path).name)
    answer = Response(
        wrap_file(request.environ, opened),
        headers=headers,
        content_type=kind,
        direct_passthrough=True,
    )
    answer.last_modified = datetime.fromtimestamp(status.st_mtime, timezone.utc)
    answer.set_etag(f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}")
    answer.call_on_close(opened.close)
    answer.make_conditional(request, accept_ranges=True, complete_length=status.st_size)
    return answer

"""Requests that somebody with bad intentions might send, each with a name."""

import functools
import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from PIL import Image

from tests.app.conftest import ORIGIN


@dataclass(frozen=True)
class Hostile:
    """A request: by default one of our own page, but for what its name says."""

    name: str
    path: str
    method: str = "GET"
    values: Any = None
    body: bytes | None = None
    headers: dict = field(default_factory=dict)


OUTSIDE = {
    "dots": "../{home}/secret.png",
    "dots after a folder": "files/../secret.png",
    "many dots": "outputs/first/../../../../../../../../etc/passwd",
    "a whole path": "/etc/passwd",
    "a whole path to a secret": "{place}/secret.png",
    "a link": "files/link.png",
    "a link to a folder": "files/linked/secret.png",
    "a pipe": "files/pipe.png",
    "a zero byte": "files/ann.png\0.html",
    "an encoded dot": "files/%2e%2e/secret.png",
    "an address": "file:///etc/passwd",
    "a home folder": "~/secret.png",
    "backslashes": "files\\..\\secret.png",
    "a sibling whose name begins the same": "files-not/secret.png",
    "dots that look like dots": "files/\uff0e\uff0e/secret.png",
    "a line break": "files/ann.png\nX-Header: 1",
    "a very long name": "files/" + "a" * 5000,
    "nothing": "",
}
FORM = {
    **{"reference": "files/ann.png", "motion": "files/walk.mp4", "weights": "files"},
    **{"preset": "fast", "kind": "pose", "seed": "1", "again": "", "person": ""},
}
SOME = ("dots after a folder", "a whole path to a secret", "a link to a folder", "a zero byte")


def requests(place):
    """All hostile requests to a page whose working directory is `place`."""
    paths = {n: p.format(home=place.name, place=place) for n, p in OUTSIDE.items()}
    return [
        *_of_paths(paths),
        *_of_sites(),
        *_of_methods(),
        *_of_bodies(),
        *_of_uploads(),
    ]


def _of_paths(paths):
    for name, path in paths.items():
        yield Hostile(f"file: {name}", f"/file?path={quote(path)}")
    yield Hostile("file: dots encoded twice", "/file?path=files/%252e%252e/secret.png")
    yield Hostile("file: a page of a run", "/file?path=outputs/first/report.html")
    yield Hostile("file: a drawing with a script", "/file?path=files/drawing.svg")
    yield Hostile("static: dots", "/static/../security.py")
    yield Hostile("static: encoded dots", "/static/%2e%2e/security.py")
    for name in SOME:
        path = quote(paths[name])
        yield Hostile(f"report: {name}", f"/report?path={path}")
        yield Hostile(f"run: {name}", f"/run/{path}")
        yield Hostile(f"again: {name}", f"/animate?again={path}")
        yield Hostile(f"check: {name}", f"/check/{path}")
        yield Hostile(f"compare: {name}", f"/compare?run={path}")
        yield Hostile(f"sweep: {name}", f"/compare?sweep={path}")
        for key in ("reference", "motion", "weights"):
            values = {**FORM, key: paths[name]}
            yield Hostile(f"{key}: {name}", "/api/check", "POST", values)
        yield Hostile(f"look: {name}", "/api/look", "POST", {"path": paths[name]})
        yield Hostile(f"note: {name}", "/api/note", "POST", {"run": paths[name], "note": "x"})
        yield Hostile(f"ask: {name}", "/api/ask", "POST", {"run": paths[name], "ask": ["save"]})
        yield Hostile(f"resume: {name}", "/api/resume-run", "POST", {"run": paths[name]})
        yield Hostile(f"remove: {name}", "/api/upload/remove", "POST", {"name": paths[name]})
    tab = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    path = "/report?path=outputs/first/report.html"
    yield Hostile("report: in a tab, where it may go elsewhere", path, headers=tab)
    yield Hostile("report: a name of theirs", "/report?path=outputs/first/evil.html")


def _of_sites():
    note = {"run": "first", "note": "theirs"}
    for name, host in {
        "another name": "elsewhere.example:8321",
        "a name that begins like ours": "127.0.0.1.elsewhere.example",
        "no name": "",
        "two": "127.0.0.1, elsewhere.example",
        "somebody at a name": "127.0.0.1@elsewhere.example",
        "an address of this network": "192.168.0.4:8321",
    }.items():
        yield Hostile(f"host: {name}", "/runs", headers={"Host": host})
    for name, origin in {
        "another site": "http://elsewhere.example",
        "none": "",
        "null": "null",
        "ours with another port": "http://127.0.0.1:9999",
        "ours in another scheme": "https://127.0.0.1:8321",
        "ours as somebody's part": f"{ORIGIN}.elsewhere.example",
    }.items():
        yield Hostile(f"origin: {name}", "/api/note", "POST", note, headers={"Origin": origin})
    cross = {"Sec-Fetch-Site": "cross-site"}
    yield Hostile("site: a form of theirs", "/api/note", "POST", note, headers=cross)
    yield Hostile("site: a picture in theirs", "/file?path=files/ann.png", headers=cross)
    framed = {**cross, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    yield Hostile("site: a frame in theirs", "/runs", headers=framed)
    same = {"Sec-Fetch-Site": "same-site"}
    yield Hostile("site: another port of this machine", "/api/skeleton", headers=same)


def _of_methods():
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "POST"):
        yield Hostile(f"method: {method} of a screen", "/runs", method)
    for path in ("note", "ask", "job", "start", "upload", "figure"):
        yield Hostile(f"method: GET of {path}", f"/api/{path}")


def _of_bodies():
    def post(name, path, values):
        return Hostile(name, path, "POST", values)

    yield post("body: a list", "/api/note", ["first"])
    yield post("body: a text", "/api/note", "first")
    yield post("body: nothing", "/api/note", None)
    yield post("body: a number for a run", "/api/note", {"run": 7, "note": "x"})
    yield post("body: a run in a list", "/api/note", {"run": ["first"], "note": "x"})
    yield post("note: too long", "/api/note", {"run": "first", "note": "x" * 10_001})
    yield post("note: half a character", "/api/note", {"run": "first", "note": "\ud800"})
    tags = {"run": "first", "had": ""}
    yield post("tags: a script", "/api/note", {**tags, "tags": "<script>alert(1)</script>"})
    yield post("tags: too many", "/api/note", {**tags, "tags": " ".join(map(str, range(60)))})
    yield post("ask: what nobody does", "/api/ask", {"run": "first", "ask": ["rm -rf /"]})
    yield post("ask: a text", "/api/ask", {"run": "first", "ask": "save"})
    for name, number in {
        "zero": 0,
        "a text": "1",
        "a path": "../1",
        "true": True,
        "huge": 9**99,
    }.items():
        yield post(f"job: {name}", "/api/job", {"job": number, "do": "stop"})
    for key, value in {
        "preset": "fast inference.engine=x",
        "kind": "pose; rm -rf /",
        "person": "largest,left",
        "seed": "1e999",
        "width": "-8",
        "num_frames": "9999999999",
        "fps": "nan",
    }.items():
        yield post(f"form: {key}", "/api/check", {**FORM, key: value})
    yield post("stop: no check", "/api/check/stop", {"check": "0123456789ab"})
    yield post("stop: a path", "/api/check/stop", {"check": "../queue/000001"})
    yield post("start: no check", "/api/start", {"check": "0123456789ab"})
    yield post("start: a path", "/api/start", {"check": "../queue/000001"})
    yield post("figure: no pose", "/api/figure", {"points": [[0, 0]], "steps": 4})
    for name, place in {
        "far away": 1e300,
        "a number of many digits": 10**400,
        "no number": float("nan"),
        "true": True,
    }.items():
        yield post(f"figure: {name}", "/api/figure", {"points": [[place, 0]] * 18, "steps": 4})
    yield post("figure: true steps", "/api/figure", {"points": [[0, 0]] * 18, "steps": True})
    yield post("figure: a thousand steps", "/api/figure", {"points": [[0, 0]] * 18, "steps": 1000})
    kind = {"Content-Type": "application/json"}
    deep = b"[" * 100_000
    yield Hostile("body: very deep", "/api/note", "POST", body=deep, headers=kind)
    yield Hostile("body: no JSON", "/api/note", "POST", body=b"{run:", headers=kind)
    yield Hostile("body: not UTF-8", "/api/note", "POST", body=b'{"run":"\xff"}', headers=kind)
    large = json.dumps({"run": "x" * 2_000_000}).encode()
    yield Hostile("body: too large", "/api/note", "POST", body=large, headers=kind)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    plain = b'{"run": "first", "note": "theirs"}'
    yield Hostile("body: JSON as a form", "/api/note", "POST", body=plain, headers=form)
    as_text = {"Content-Type": "text/plain"}
    yield Hostile("body: JSON as a text", "/api/note", "POST", body=plain, headers=as_text)


def _of_uploads():
    for name, body in {
        "an empty file": b"",
        "a page": b"<!doctype html><script>alert(1)</script>",
        "a drawing": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "a program": b"\x7fELF" + bytes(200),
        "a script": b"#!/bin/sh\ntouch /tmp/x\n",
        "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "a picture that is a script": b"GIF89a/*" + b"<script>alert(1)</script>*/=1",
        "a picture of a hundred gigabytes": _png_bomb(),
        "a picture that is cut short": _png()[:40],
        "a video that is none": b"\0\0\0\x18ftypmp42" + bytes(400),
        "a video of other sizes than its boxes": b"\0\0\0\x18ftypmp42" + b"\xff" * 400,
        "a matroska of noise": b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 8,
        "an archive that is no file of poses": _zip({"a.txt": b"hello"}),
        "an archive with dots": _zip({"../../evil.npy": b"x"}),
        "an archive that unpacks to gigabytes": _zip_bomb(),
        "an archive with a pickle": _zip({"body.npy": _pickle()}),
    }.items():
        yield Hostile(f"upload: {name}", f"/api/upload?name={quote(name)}", "POST", body=body)
    yield Hostile("upload: too large", "/api/upload?name=a", "POST", body=bytes(3_000_000))
    parts = {"Content-Type": "multipart/form-data; boundary=x"}
    form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nhi'
    form += b"\r\n--x--\r\n"
    yield Hostile("upload: a form", "/api/upload?name=a", "POST", body=form, headers=parts)


def _png():
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(file, "PNG")
    return file.getvalue()


@functools.cache
def _png_bomb():
    """A sheet of one grey of 30000x30000 and more, which compresses to nothing."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    rows = zlib.compressobj(9)
    content = b"".join(rows.compress(bytes(30_001)) for _ in range(3000)) + rows.flush()
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _zip(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


@functools.cache
def _zip_bomb():
    return _zip({"body.npy": bytes(600_000_000)})


def _pickle():
    """An array file that says that it holds objects, and a pickle that would run a command."""
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    head = head.ljust(117) + b"\n"
    pickle = b"cos\nsystem\n(S'touch evil'\ntR."
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + pickle

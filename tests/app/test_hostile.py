"""A hundred and more hostile requests: none gets in, none is told anything."""

import json
import os
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aa.app.application import create_app
from aa.app.server import Handler, Server
from aa.data.pictures import read_image
from aa.demo.example import EXAMPLE
from tests.app.conftest import HOST, ORIGIN
from tests.app.hostile import _png, requests
from tests.commands import ROOT
from tests.runs.folders import make_run

NAMES = [hostile.name for hostile in requests(Path("/a/place"))]
SCRIPT = "<script>alert(1)</script>"
SECRET = "a secret"


def test_the_table_has_as_many_requests_as_the_docs_say_each_with_its_name():
    said = re.search(r"test_hostile.py`: (\d+) of them", (ROOT / "docs/security.md").read_text())
    assert said and len(NAMES) == len(set(NAMES)) == int(said[1])


@pytest.fixture
def besieged(serve, home, training):
    """A page beside links, pipes and files that lead elsewhere."""
    (home / "files" / "link.png").symlink_to(home / "secret.png")
    (home / "files" / "linked").symlink_to(home)
    os.mkfifo(home / "files" / "pipe.png")
    (home / "files-not").mkdir()
    (home / "files-not" / "secret.png").write_text(SECRET)
    (home / "files" / "drawing.svg").write_text(f"<svg>{SCRIPT}</svg>")
    (training / "evil.html").write_text(SCRIPT)
    (training / "report.html").write_text("a report")
    page = serve(upload_mb=2)
    page.desk.figure.weights = ROOT / EXAMPLE
    return page


def tree(home):
    """All files below a folder and their sizes, but for the page's own records of what it does."""
    return {
        str(path.relative_to(home)): path.lstat().st_size
        for path in home.rglob("*")
        if not path.is_dir() and path.name not in (".notes.lock",)
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_request_gets_nothing(besieged, home, name):
    asked = next(hostile for hostile in requests(home) if hostile.name == name)
    before = tree(home)
    content = {"data": asked.body} if asked.body is not None else {"json": asked.values}
    headers = {"Host": HOST, "Origin": ORIGIN, **asked.headers}
    if not headers["Origin"]:
        del headers["Origin"]
    if asked.method == "GET":
        content = {}
    answer = besieged.client.open(
        asked.path, method=asked.method, headers=headers, buffered=True, **content
    )
    assert 400 <= answer.status_code < 500, answer.text
    for word in (SECRET, "Traceback", "root:", 'File "', "X-Header"):
        assert word not in answer.text and word not in str(answer.headers)
    assert answer.mimetype == "application/json" or SCRIPT not in answer.text
    assert tree(home) == before


def test_scripts_in_names_notes_and_logs_are_shown_as_texts(page, home):
    name = f"{SCRIPT.replace('/', '∕')}"
    lines = [{"step": 1, "loss": 1.0, SCRIPT: 2.0}]
    folder = make_run(home / "outputs" / name, overrides=[f"name={SCRIPT}"], lines=lines, x=SCRIPT)
    page.post("/api/note", {"run": name, "note": SCRIPT})
    (folder / "train.log").write_text(f"error: {SCRIPT}\n")
    (folder / "outcome.json").write_text(json.dumps({"state": "failed", "error": SCRIPT}))
    (folder / "samples" / "step-000001").mkdir(parents=True)
    (folder / "samples" / "step-000001" / "\"onload='alert(1)' x=\".png").write_bytes(_png())
    for path in ("/", "/runs", "/runs?find=%3Cscript%3E", "/queue", "/gallery"):
        text = page.text(path)
        assert "<script>alert" not in text and "onload='" not in text
    for path in ("/run/", "/compare?run=", "/animate?again="):
        text = page.text(path + name)
        assert "<script>alert" not in text and "onload='" not in text


def test_a_run_of_somebody_names_no_file_elsewhere(page, home, animation):
    record = json.loads((animation / "cases.jsonl").read_text())
    record["result"] |= {"video": "../../secret.png", "side_by_side": "/etc/passwd"}
    record["result"] |= {"reference": "/etc/passwd", "pose": "../../secret.png"}
    (animation / "cases.jsonl").write_text(json.dumps(record) + "\n")
    (animation / "passwd").write_text("theirs")
    for path in ("/gallery", "/run/made"):
        assert "/etc/passwd" not in page.text(path)
        assert "secret.png" not in page.text(path).replace("outputs/made/secret.png", "")


def test_damaged_records_are_named_and_break_no_screen(page, home, training):
    for name in ("notes.json", "outcome.json", "snapshot.json", "progress.json", "metrics.jsonl"):
        (training / name).write_bytes(b"\0{[\xff" * 50)
    for path in ("/", "/runs", "/run/first", "/compare?run=first", "/gallery", "/queue"):
        page.text(path)


def test_a_name_that_is_no_text_breaks_no_screen(page, home, training, animation):
    make_run(home / "outputs" / os.fsdecode(b"bad\xff"), lines=[{"step": 1, "loss": 1.0}])
    sample = training / "samples" / "step-000002" / os.fsdecode(b"bad\xff.png")
    sample.write_bytes(_png())
    video = animation / os.fsdecode(b"bad\xff.mp4")
    video.write_bytes(b"0123456789")
    record = json.loads((animation / "cases.jsonl").read_text())
    record["result"] |= {"video": video.name}
    (animation / "cases.jsonl").write_text(json.dumps(record) + "\n")
    for path in ("/", "/runs", "/gallery", "/queue", "/animate", "/run/first", "/run/made"):
        assert "bad" not in page.text(path)
    assert "/run/first" in page.text("/runs")


def test_a_job_file_of_somebody_starts_nothing_but_our_runners(page, home):
    from aa.app import commands

    record = {"runner": "../../../bin/sh", "arguments": ["-c", "touch evil"], "folder": "outputs"}
    (home / "outputs" / "app" / "queue" / "000001.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="no such runner"):
        commands.words(record["runner"], record["arguments"])
    assert page.get("/queue").status_code == 200


def test_a_picture_with_a_script_behind_it_is_kept_without(page, home):
    answer = page.post("/api/upload?name=a.png", data=_png() + SCRIPT.encode())
    kept = home / answer.json["path"]
    assert SCRIPT.encode() not in kept.read_bytes() and read_image(kept).size == (16, 16)


def test_many_who_write_at_once_lose_nothing(serve, home, training):
    page = serve()
    app = create_app(page.desk)

    def tag(number):
        values = {"run": "first", "tags": f"tag-{number}", "had": ""}
        headers = {"Host": HOST, "Origin": ORIGIN}
        return app.test_client().post("/api/note", json=values, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tag, range(24))) == {200}
    tags = json.loads((training / "notes.json").read_text())["tags"]
    assert sorted(tags) == sorted(f"tag-{number}" for number in range(24))


def test_many_uploads_at_once_do_not_pass_the_limit(serve, home):
    page = serve(uploads=2)

    def upload(number):
        content = _png() + bytes([number])
        headers = {"Host": HOST, "Origin": ORIGIN}
        client = create_app(page.desk).test_client()
        return client.post(f"/api/upload?name={number}", data=content, headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(upload, range(6)))
    assert sorted(codes) == [200] * 2 + [400] * 4


@pytest.fixture
def port(page, monkeypatch):
    """The port of the page on a real socket."""
    monkeypatch.setattr(Handler, "timeout", 1)
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(*listening.getsockname(), create_app(page.desk), Handler, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.shutdown()
    listening.close()


LINES = {
    "a huge header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 300 + b"\r\n",
    "a huge line": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "no host": b"GET /runs HTTP/1.0\r\n\r\n",
    "two lengths": b"POST /api/note HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    b"Content-Length: 90\r\n\r\nhello",
    "a length that is none": b"POST /api/note HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Length: -5\r\n\r\n",
    "a whole address of another": b"GET http://elsewhere.example/ HTTP/1.1\r\n"
    b"Host: elsewhere.example\r\n\r\n",
    "nothing more": b"GET / HTTP/1.1\r\nHost: 127.",
}


@pytest.mark.parametrize("name", LINES)
def test_words_that_no_browser_says_are_refused_or_left(port, name):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(LINES[name])
        said = b""
        try:
            while part := peer.recv(65536):
                said += part
                if len(said) > 10_000:
                    break
        except ConnectionResetError:
            pass
    assert b" 200 " not in said[:40] and b"Traceback" not in said and SECRET.encode() not in said

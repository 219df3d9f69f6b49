"""What a browser sends is looked into by a process of its own, and named by us."""

import io
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from aa.app.application import create_app
from aa.app.examine import _look, examine
from aa.data.pictures import read_image
from aa.errors import UserError
from aa.poses import Poses
from aa.poses.skeleton import NUM_POINTS
from tests.app.conftest import HOST, ORIGIN
from tests.commands import ROOT


def png(colour="green"):
    file = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(file, "PNG")
    return file.getvalue()


def uploads(home):
    return sorted(path.name for path in (home / "outputs" / "app" / "uploads").iterdir())


def test_a_picture_is_written_anew_under_a_name_of_ours(page, home):
    answer = page.post("/api/upload?name=../../my%20cat.html", data=png())
    assert answer.status_code == 200, answer.text
    about, kept = uploads(home)
    assert re.fullmatch(r"my-cat-[0-9a-f]{12}\.png", kept)
    assert about == kept.replace(".png", ".json")
    assert answer.json["path"] == f"outputs/app/uploads/{kept}"
    assert read_image(home / answer.json["path"]).size == (24, 16)
    assert (answer.json["kind"], answer.json["width"]) == ("picture", 24)


def test_the_name_in_the_browser_is_only_shown(page, home):
    page.post("/api/upload?name=<script>alert(1)</script>.png", data=png())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.png" in page.text("/animate")


def test_a_file_of_the_same_name_is_kept_once(page, home):
    first = page.post("/api/upload?name=a.png", data=png()).json["path"]
    assert page.post("/api/upload?name=a.png", data=png()).json["path"] == first
    assert len(uploads(home)) == 2


def test_the_same_file_is_not_written_again_and_takes_no_place(serve, home):
    page = serve(uploads=1)
    first = page.post("/api/upload?name=a.png", data=png()).json
    before = (home / first["path"]).stat()
    assert page.post("/api/upload?name=a.png", data=png()).json == first
    after = (home / first["path"]).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_has_its_name_once_it_is_whole(page, home, monkeypatch):
    seen = []

    def look(path, target):
        found = examine(path, target)
        seen.extend(name for name in uploads(home) if not name.startswith("."))
        return found

    monkeypatch.setattr("aa.app.uploads.examine", look)
    assert page.post("/api/upload?name=a.png", data=png()).status_code == 200
    assert seen == [] and len(uploads(home)) == 2


def test_of_a_file_that_fails_late_no_copy_is_left(page, home, monkeypatch):
    def fail(path, target):
        (home / f"{target}.mp4").write_bytes(b"half")
        raise UserError("this file takes too long to look into.")

    monkeypatch.setattr("aa.app.uploads.examine", fail)
    assert page.post("/api/upload?name=a.mp4", data=b"x").status_code == 400
    assert uploads(home) == []


def test_a_video_is_copied_once_all_of_it_was_looked_at(home, monkeypatch):
    def fail(path):
        raise UserError("its sound cannot be read.")

    monkeypatch.setattr("aa.data.sound.has_sound", fail)
    with pytest.raises(UserError, match="its sound"):
        _look(home / "files" / "walk.mp4", str(home / "copy"))
    assert not (home / "copy.mp4").exists()


def test_a_video_is_kept_as_it_is_and_described(page, home):
    content = (home / "files" / "walk.mp4").read_bytes()
    answer = page.post("/api/upload?name=walk.mp4", data=content)
    found = [answer.json[key] for key in ("kind", "frames", "fps", "width", "drawn", "sound")]
    assert found == ["video", 3, 5.0, 16, True, False]
    assert (home / answer.json["path"]).read_bytes() == content


def test_a_file_of_poses_is_written_anew(page, home):
    points = np.zeros((4, NUM_POINTS, 2), "float32")
    Poses(points, points[..., 0], 20, 10, 8.0).save(home / "files" / "poses.npz")
    content = (home / "files" / "poses.npz").read_bytes()
    answer = page.post("/api/upload?name=poses.npz", data=content)
    assert (answer.json["kind"], answer.json["frames"]) == ("poses", 4)
    assert len(Poses.load(home / answer.json["path"])) == 4


def test_another_kind_is_refused_and_nothing_is_left(page, home):
    answer = page.post("/api/upload?name=a.png", data=b"<html><script>alert(1)</script>")
    assert answer.status_code == 400
    assert answer.json["error"].endswith("no picture, no video and no file of poses.")
    assert uploads(home) == []


def test_no_more_are_taken_than_are_kept(serve, home):
    page = serve(uploads=1)
    assert page.post("/api/upload?name=a.png", data=png("red")).status_code == 200
    answer = page.post("/api/upload?name=b.png", data=png("blue"))
    assert answer.status_code == 400 and "remove some first" in answer.json["error"]
    name = next(name for name in uploads(home) if name.endswith(".png"))
    assert page.post("/api/upload/remove", {"name": name}).status_code == 200
    assert uploads(home) == []


def test_a_file_that_is_too_large_is_not_read(serve):
    page = serve(upload_mb=1)
    answer = page.post("/api/upload?name=a.png", data=b"\x89PNG" + bytes(1_100_000))
    assert answer.status_code in (400, 413)
    assert "MB" in answer.json["error"] or "larger" in answer.json["error"]


def test_what_takes_all_memory_ends_alone(home, monkeypatch):
    monkeypatch.setattr("aa.app.examine.LONGEST", 0.01)
    with pytest.raises(UserError, match="takes too long"):
        examine(home / "files" / "ann.png")


def test_two_files_are_looked_into_at_once_whoever_asks(page, monkeypatch):
    now, most = [], []

    def run(*_, **__):
        now.append(1)
        most.append(len(now))
        time.sleep(0.05)
        now.pop()
        found = json.dumps({"kind": "picture"}).encode()
        return type("Ended", (), {"stdout": found, "returncode": 0})

    monkeypatch.setattr("aa.app.examine.subprocess.run", run)

    def look(_):
        client = create_app(page.desk).test_client()
        headers = {"Host": HOST, "Origin": ORIGIN}
        return client.post("/api/look", json={"path": "files/ann.png"}, headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(look, range(6))) == {200}
    assert max(most) == 2


def test_the_process_that_decodes_has_limits(home):
    code = (
        "import json, resource; from aa.app import examine; examine._limit(); "
        "print(json.dumps([resource.getrlimit(r)[1] for r in (resource.RLIMIT_AS, "
        "resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)]))"
    )
    said = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT)
    assert json.loads(said) == [3 * 2**30, 30, 64, 0]

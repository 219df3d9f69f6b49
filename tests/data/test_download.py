"""The published training set comes from a server, whole and into its folder, or not at all."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aa.data.download import download
from aa.data.manifest import read_manifest
from aa.data.published import UBC_AND_BILI, published_home
from aa.errors import UserError

TINY = replace(UBC_AND_BILI, num_clips=2)
CLIPS = [{"video_path": f"video/{n}.mp4", "kps_path": f"video_dwpose/{n}.mp4"} for n in "12"]
FILES = {path: os.urandom(2000) for clip in CLIPS for path in clip.values()}


def packed(clips=CLIPS, more=(), root=TINY.folder):
    """An archive of the set, as bytes.

    Args:
        clips: what its manifest lists.
        more: further members, after all others.
        root: name of its folder.
    """
    contents = {TINY.manifest: json.dumps(clips).encode(), **FILES}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return buffer.getvalue()


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


class ArchiveServer(BaseHTTPRequestHandler):
    """Serves `server.content` in ranges; breaks off after `server.breaks` bytes, once."""

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        content, server = self.server.content, self.server
        start = int(self.headers.get("Range", "bytes=0-")[len("bytes=") :].split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hash(content)}"')
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Encoding", "gzip")  # as some say of every .gz file
        self.end_headers()
        if body:
            end, server.breaks = server.breaks, None
            server.transfers.append(start)
            self.wfile.write(content[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), ArchiveServer)
    server.content, server.breaks, server.transfers = packed(), None, []
    server.url = f"http://127.0.0.1:{server.server_port}/set.tar.gz"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_set_is_unpacked_where_the_config_looks_for_it(tmp_path, server):
    manifest = download(TINY, tmp_path / "data", url=server.url)
    assert published_home(manifest) == str(tmp_path / "data")
    clip = read_manifest(manifest)[1]
    assert clip.video.read_bytes() == FILES["video/2.mp4"]
    assert visible(tmp_path / "data") == [TINY.folder]


def test_the_config_looks_where_a_download_goes(compose):
    assert published_home(compose("train", []).data.manifest) == "data"
    assert published_home("data/mine/meta_data/ubcNbili_meta.json") is None


def test_what_is_there_is_not_fetched_again(tmp_path, server):
    download(TINY, tmp_path, url=server.url)
    download(TINY, tmp_path, url=server.url)
    assert server.transfers == [0]


def test_an_interrupted_download_is_resumed_at_its_last_byte(tmp_path, server):
    server.breaks = 1000
    with pytest.raises(UserError, match="what has come is kept"):
        download(TINY, tmp_path, url=server.url)
    assert download(TINY, tmp_path, url=server.url).is_file()
    assert server.transfers == [0, 1000]


def test_an_archive_that_had_come_whole_is_not_fetched_again(tmp_path, server):
    server.breaks = len(server.content) - 1
    with pytest.raises(UserError):
        download(TINY, tmp_path, url=server.url)
    with open(tmp_path / "ubcNbili_data.tar.gz.part", "ab") as file:
        file.write(server.content[-1:])
    assert download(TINY, tmp_path, url=server.url).is_file()
    assert server.transfers == [0]


def test_two_downloads_at_once_fetch_it_once(tmp_path, server, capsys):
    both = [threading.Thread(target=download_in_a_process, args=(tmp_path, server)) for _ in "12"]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert server.transfers == [0]
    assert visible(tmp_path) == [TINY.folder]


def download_in_a_process(folder, server):
    """As `download` of the tiny set; locks tell processes apart, not threads."""
    asked = (
        f"download(replace(UBC_AND_BILI, num_clips=2), Path({str(folder)!r}), url={server.url!r})"
    )
    lines = ["from dataclasses import replace", "from pathlib import Path"]
    lines += ["from aa.data.download import download"]
    lines += ["from aa.data.published import UBC_AND_BILI", asked]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, timeout=60)


def test_the_beginning_of_another_archive_is_not_resumed(tmp_path, server):
    server.breaks = 1000
    with pytest.raises(UserError):
        download(TINY, tmp_path, url=server.url)
    server.content = packed(more=[tarfile.TarInfo(f"{TINY.folder}/new.txt")])
    assert download(TINY, tmp_path, url=server.url).is_file()
    assert server.transfers == [0, 0]


def test_paths_that_begin_with_the_sets_own_name_are_found(tmp_path, server):
    below = [{key: f"./{TINY.folder}/{path}" for key, path in clip.items()} for clip in CLIPS]
    server.content = packed(clips=below)
    manifest = download(TINY, tmp_path, url=server.url)
    assert read_manifest(manifest)[0].video.read_bytes() == FILES["video/1.mp4"]


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo(f"{TINY.folder}/../../outside"),
        tarfile.TarInfo("/outside"),
        link(f"{TINY.folder}/link", "/etc/passwd"),
        link(f"{TINY.folder}/link", "video/1.mp4"),
    ],
)
def test_no_path_leaves_the_folder_and_nothing_of_such_an_archive_stays(tmp_path, server, member):
    server.content = packed(more=[member])
    with pytest.raises(UserError, match=r"leads out of its folder or is no plain file"):
        download(TINY, tmp_path / "a" / "data", url=server.url)
    assert visible(tmp_path) == ["a"]
    assert visible(tmp_path / "a" / "data") == ["ubcNbili_data.tar.gz"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (packed(clips=CLIPS[:1]), "lists 1 clips, the published set has 2"),
        (packed(clips=[{**CLIPS[0], "video_path": "gone.mp4"}]), r"not whole \(.* Delete it and"),
        (packed(root="other"), "holds no ubcNbili_data/meta_data/ubcNbili_meta.json"),
        (packed()[:-400], r"cannot be unpacked \("),
        (b"no archive at all", r"cannot be unpacked \("),
    ],
)
def test_another_archive_is_refused_and_leaves_no_set(tmp_path, server, content, line):
    server.content = content
    with pytest.raises(UserError, match=line):
        download(TINY, tmp_path, url=server.url)
    assert visible(tmp_path) == ["ubcNbili_data.tar.gz"]


def test_a_folder_of_ones_own_is_never_touched(tmp_path, server):
    (tmp_path / TINY.folder).mkdir()
    with pytest.raises(UserError, match=r"exists and has no meta_data/ubcNbili_meta\.json"):
        download(TINY, tmp_path, url=server.url)
    assert server.transfers == []


def test_a_disk_too_small_is_told_before_anything_is_fetched(tmp_path, server, monkeypatch):
    free = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    with pytest.raises(UserError, match=r"GB to write, 0\.0 GB free on this disk"):
        download(TINY, tmp_path, url=server.url)
    assert server.transfers == []


def test_on_the_command_line_an_unreachable_server_is_one_line(tmp_path):
    url = "http://127.0.0.1:9/set.tar.gz"
    command = [sys.executable, "-m", "aa.data", "download", "--to", tmp_path / "data", "--url", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {url}: the server cannot be reached")
    assert not (tmp_path / "data").exists()

import hashlib
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aa.errors import UserError
from aa.weights.catalogue import GROUPS, HubFile
from aa.weights.download import Published, download

RELEASED = GROUPS["released"]


def content_of(file):
    return f"{file.repo} {file.file}".encode() * 50


class TinyHub:
    """A hub whose files are a few bytes long; `fetched` lists what was asked for."""

    def __init__(self, damaged=(), size=None):
        self.damaged, self.size, self.fetched = damaged, size, []

    def describe(self, file):
        content = content_of(file)
        return Published(self.size or len(content), hashlib.sha256(content).hexdigest())

    def fetch(self, file, folder):
        self.fetched.append(file)
        content = content_of(file)
        path = folder / file.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[::-1] if file in self.damaged else content)


class UnreachableHub:
    def describe(self, file):
        raise ConnectionError("no route to host")


@pytest.mark.parametrize("group", GROUPS)
def test_a_download_writes_every_file_of_its_group(tmp_path, group):
    download(tmp_path, [group], hub=TinyHub())
    assert all((tmp_path / file.target).read_bytes() == content_of(file) for file in GROUPS[group])


@pytest.mark.parametrize(("group", "layout"), [("released", 1), ("paddle", 2), ("start", "start")])
def test_what_a_group_downloads_is_what_its_layout_reads(tmp_path, monkeypatch, group, layout):
    from aa.weights import folders

    # The files' names alone are the claim: their contents are not weights here.
    monkeypatch.setattr(folders, "published_config", lambda unet, home, motion: unet.read_bytes())
    download(tmp_path, [group], hub=TinyHub())
    folder = folders.open_folder(tmp_path)
    assert folder.layout == layout
    assert len(folder.sources) == 6


def test_a_file_of_two_groups_is_fetched_once(tmp_path):
    hub = TinyHub()
    download(tmp_path, ["released", "start"], hub=hub)
    assert len(hub.fetched) == len(set(hub.fetched)) == len({*RELEASED, *GROUPS["start"]})


def test_a_file_that_is_there_is_checked_and_kept(tmp_path):
    download(tmp_path, ["released"], hub=TinyHub())
    hub = TinyHub()
    report = download(tmp_path, ["released"], hub=hub)
    assert hub.fetched == []
    assert {(line.state, line.checked) for line in report} == {("was there", "sha256")}


def test_another_file_under_the_name_is_never_overwritten(tmp_path):
    own = tmp_path / "pose_guider.pth"
    own.write_bytes(b"trained for weeks")
    hub = TinyHub()
    with pytest.raises(UserError, match=r"pose_guider\.pth: not the published file \(17 b"):
        download(tmp_path, ["released"], hub=hub)
    assert own.read_bytes() == b"trained for weeks"
    assert hub.fetched == []


def test_a_download_damaged_on_the_way_is_deleted_and_named(tmp_path):
    with pytest.raises(UserError, match=r"unet\.pth: damaged on the way \(its sha256 differs"):
        download(tmp_path, ["released"], hub=TinyHub(damaged=RELEASED[:1]))
    assert not (tmp_path / "reference_unet.pth").exists()


def test_a_disk_too_small_is_told_before_anything_is_fetched(tmp_path):
    hub = TinyHub(size=10**15)
    with pytest.raises(UserError, match=r"GB to write, .* GB free on this disk"):
        download(tmp_path, ["released"], hub=hub)
    assert hub.fetched == []


def test_without_a_network_the_error_says_what_was_wanted_and_what_to_do(tmp_path):
    with pytest.raises(UserError) as error:
        download(tmp_path, ["released"], hub=UnreachableHub())
    message = str(error.value)
    assert message.startswith(
        "patrolli/AnimateAnyone/reference_unet.pth: the hub cannot be reached"
    )
    assert "place the files by hand under the same names" in message


def command_line(endpoint, *arguments):
    """Exit code, stdout, stderr and seconds of a download from another hub."""
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-m", "aa.weights", "download", *map(str, arguments)]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - start


def test_on_the_command_line_an_unreachable_hub_is_one_line_within_seconds(tmp_path):
    code, out, err, seconds = command_line("http://127.0.0.1:9", "--to", tmp_path / "weights")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: patrolli/AnimateAnyone/reference_unet.pth: the hub cannot be")
    assert seconds < 20
    assert not (tmp_path / "weights").exists()


class HubServer(BaseHTTPRequestHandler):
    """As much of the hub's protocol as a download uses; the first transfer breaks half-way."""

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        repo, _, file = self.path.strip("/").partition("/resolve/main/")
        content = content_of(HubFile(repo, file))
        start = int(self.headers.get("Range", "bytes=0-")[len("bytes=") :].split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if body:
            end = len(content) if self.server.transfers else len(content) // 2
            self.server.transfers.append((file, start))
            self.wfile.write(content[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), HubServer)
    server.transfers = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path, hub_server):
    endpoint = f"http://127.0.0.1:{hub_server.server_port}"
    code, _, err, _ = command_line(endpoint, "--to", tmp_path)
    assert code == 2
    assert "it goes on where it stopped" in err
    code, out, _, _ = command_line(endpoint, "--to", tmp_path)
    assert code == 0
    half = len(content_of(RELEASED[0])) // 2
    assert hub_server.transfers[:2] == [("reference_unet.pth", 0), ("reference_unet.pth", half)]
    assert (tmp_path / "reference_unet.pth").read_bytes() == content_of(RELEASED[0])
    assert out.count("downloaded") == out.count("sha256") == len(RELEASED)

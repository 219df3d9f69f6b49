"""The page of a small folder of runs, asked without a network."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from aa.app.application import create_app
from aa.app.desk import Desk
from aa.app.server import make_desk
from aa.config.app import ServerConfig
from aa.data.video import VideoWriter
from tests.runs.folders import make_run

HOST = "127.0.0.1:8321"
ORIGIN = f"http://{HOST}"


@dataclass
class Page:
    """A browser that has opened the page."""

    client: FlaskClient
    desk: Desk

    def get(self, path, **headers):
        return self.client.get(path, headers={"Host": HOST, **headers}, buffered=True)

    def text(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path, values=None, *, data=None, **headers):
        content = {"json": values} if data is None else {"data": data}
        return self.client.post(
            path, headers={"Host": HOST, "Origin": ORIGIN, **headers}, **content
        )


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working directory with a picture and a pose video in `files`, and a secret beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "files").mkdir()
    Image.new("RGB", (16, 16), "red").save(tmp_path / "files" / "ann.png")
    with VideoWriter(tmp_path / "files" / "walk.mp4", fps=5, height=16, width=16) as writer:
        writer.write(np.zeros([3, 16, 16, 3], np.uint8))
    (tmp_path / "secret.png").write_bytes(b"a secret")
    return tmp_path


@pytest.fixture
def serve(home):
    """Function (keys of the config) -> the `Page` of a server with them."""

    def make(**options):
        options = ServerConfig(folders=["files"], **options)
        desk = make_desk(options, home / "outputs" / "app")
        return Page(create_app(desk).test_client(), desk)

    return make


@pytest.fixture
def page(serve):
    return serve()


@pytest.fixture
def training(home):
    """A finished training of three steps with samples."""
    lines = [{"step": n, "loss": 1 / n, "val/loss": 2 / n} for n in (1, 2, 3)]
    config = {"stage": {"max_steps": 3, "learning_rate": 1e-4}}
    folder = make_run(home / "outputs" / "first", lines=lines, **config)
    (folder / "train.log").write_text("[INFO] it learns <b>well</b>\n")
    sample = folder / "samples" / "step-000002"
    sample.mkdir(parents=True)
    Image.new("RGB", (64, 16)).save(sample / "reference_pose_result_truth.png")
    return folder


@pytest.fixture
def animation(home):
    """A finished animation of one video, as its records tell; the video is no video."""
    config = {"weights": "files", "reference": "files/ann.png", "pose": "files/walk.mp4"}
    settings = {"num_inference_steps": 7, "guidance_scale": 1.0, "seed": 5, "width": 16}
    folder = make_run(
        home / "outputs" / "made", runner="infer", inference={**settings, "height": 16}, **config
    )
    snapshot = json.loads((folder / "snapshot.json").read_text())
    snapshot["working_directory"] = str(home)
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    for name in ("ann_walk.mp4", "ann_walk_side_by_side.mp4"):
        (folder / name).write_bytes(b"0123456789")
    result = {"video": "ann_walk.mp4", "side_by_side": "ann_walk_side_by_side.mp4", "frames": 3}
    result |= {"reference": "files/ann.png", "pose": "files/walk.mp4", "driving": False}
    result |= {"width": 16, "height": 16, "fps": 5.0, "seconds": 2.0}
    record = {"name": "ann_walk", "signature": "x", "bytes": {}, "result": result}
    (folder / "cases.jsonl").write_text(json.dumps(record) + "\n")
    return folder

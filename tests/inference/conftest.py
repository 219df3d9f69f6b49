"""An inference run of a few pictures and videos, with a pipeline that needs no weights."""

import numpy as np
import pytest
from PIL import Image

from aa.build.inference import build_inference
from aa.data.video import VideoWriter
from aa.runs import snapshots


class Noise:
    """A pipeline that needs no weights; it knows what was asked of it."""

    def __init__(self, before_each=lambda number: None):
        self.made, self.before_each = 0, before_each

    def frames(self, reference, poses, *, width, height, **options):
        self.made += 1
        self.before_each(self.made)
        for pose in poses[:]:
            yield np.full([1, height, width, 3], pose.mean() / 255, np.float32)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Two pictures and two pose videos of 3 frames of 16x16, and a broken one; we work there."""
    for name, colour in (("ann", "red"), ("bob", "blue")):
        Image.new("RGB", (16, 16), colour).save(tmp_path / f"{name}.png")
    for name in ("walk", "turn"):
        with VideoWriter(tmp_path / f"{name}.mp4", fps=5, height=16, width=16) as writer:
            writer.write(np.zeros([3, 16, 16, 3], np.uint8))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(snapshots, "SOURCES", ("aa/cli/rerun.py",))  # hashing all takes its time
    return tmp_path


@pytest.fixture
def infer(home, compose, trained):
    """Function (cases or overrides, pipeline) -> the run folder after a run of it."""

    def run(*overrides, cases=None, pipeline=None):
        given = [f"weights={trained('stage=1')}", "hardware=cpu", *overrides]
        if cases:
            (home / "cases.yaml").write_text(cases)
            given.append("+cases=cases.yaml")
        folder = home / "run"
        folder.mkdir(exist_ok=True)
        inference = build_inference(compose("infer", given), folder)
        inference.animate((pipeline or Noise()) if inference.check() else None)
        return folder

    return run

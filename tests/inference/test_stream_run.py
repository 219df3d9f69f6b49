"""mode=stream as a run: its files, its records, what it reads of the disk."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from aa.data.decoder import Decoder
from aa.data.video import VideoReader
from aa.data.writers import VideoWriter
from aa.inference import Pose2VideoPipeline
from tests.tones import heard, write_with_beep

STREAM = ["inference=stream", "inference.num_inference_steps=2", "inference.stream_chunk=2"]


@pytest.fixture(scope="module")
def pipeline(trained):
    return Pose2VideoPipeline.from_pretrained(trained("stage=1"))


def long_pose_video(home, count=21):
    with VideoWriter(home / "long.mp4", fps=5, height=16, width=16) as writer:
        writer.write(np.zeros([count, 16, 16, 3], np.uint8))


def test_videos_pictures_and_short_ones_are_made_in_one_run(infer, home, pipeline):
    long_pose_video(home)
    cases = "ann.png: [long.mp4, walk.mp4, bob.png]"
    folder = infer(*STREAM, cases=cases, pipeline=pipeline)
    found = {
        video["frames"] for video in json.loads((folder / "summary.json").read_text())["videos"]
    }
    assert found == {21, 3, 1}
    assert VideoReader(folder / "ann_long.mp4").num_frames == 21
    assert (folder / "ann_bob.png").is_file()
    progress = json.loads((folder / "progress.json").read_text())
    assert progress["done"] == progress["total"]


def test_no_decoder_of_the_poses_ever_goes_back(infer, home, pipeline, monkeypatch):
    long_pose_video(home)
    asked, frames = {}, Decoder.frames

    def remembering(self, places):
        asked.setdefault(id(self), [self]).extend(places)
        return frames(self, places)

    monkeypatch.setattr(Decoder, "frames", remembering)
    infer(*STREAM, "reference=ann.png", "pose=long.mp4", pipeline=pipeline)
    read = [places[1:] for places in asked.values() if len(places) > 20]
    assert len(read) == 2  # for the pipeline, and for what is shown beside its result
    assert all(a <= b for places in read for a, b in itertools.pairwise(places))


@pytest.mark.parametrize("name", ["ann_beep.mp4", "ann_beep_side_by_side.mp4"])
def test_a_stream_has_the_pose_videos_sound_in_time(infer, home, pipeline, name):
    write_with_beep(home / "beep.mp4", beep=0.5)
    infer(*STREAM, "reference=ann.png", "pose=beep.mp4", pipeline=pipeline)
    assert heard(home / "run" / name) == pytest.approx((0.5, 1.0), abs=0.05)


def test_a_stream_becomes_a_gif(infer, home, pipeline):
    long_pose_video(home)
    infer(*STREAM, "inference.format=gif", "reference=ann.png", "pose=long.mp4", pipeline=pipeline)
    with Image.open(home / "run" / "ann_long.gif") as gif:
        assert (gif.n_frames, gif.size) == (21, (16, 16))

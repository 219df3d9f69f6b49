"""The weights that the code carries are what they say, load like any others, and animate."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aa.data.video import VideoReader
from aa.demo.example import CHECKSUMS, POSE, REFERENCE, SCORES, TRUTH
from aa.evaluation.metrics import psnr
from aa.runs.fingerprints import sha256
from tests.commands import run_light

EXAMPLE = Path(__file__).parents[2] / "examples" / "puppet"


def test_it_is_small_and_its_checksums_are_right():
    assert sum(file.stat().st_size for file in EXAMPLE.rglob("*") if file.is_file()) < 12e6
    lines = [line.split() for line in (EXAMPLE / CHECKSUMS).read_text().splitlines()]
    assert {name for _, name in lines} == {file.name for file in EXAMPLE.glob("*.safetensors")}
    assert all(sha256(EXAMPLE / name) == digest for digest, name in lines)


def test_its_scores_are_those_that_the_readme_tells():
    scores = json.loads((EXAMPLE / SCORES).read_text())
    assert scores["protocol"]["split"] == "test"
    assert scores["pairs"]["generated"]["psnr"]["mean"] > 30
    assert (
        f"{scores['pairs']['generated']['psnr']['mean']:.1f}"
        in (EXAMPLE.parents[1] / "README.md").read_text()
    )


def test_the_training_that_made_it_composes_again(tmp_path):
    result = run_light(tmp_path, "train", f"rerun={EXAMPLE}", "--cfg", "job")
    assert result.returncode == 0, result.stderr
    assert "name: puppets_long" in result.stdout


@pytest.fixture(scope="module")
def frames():
    """The first frames that it makes of its own picture and poses, float32 [F, H, W, 3]."""
    from aa.inference import Pose2VideoPipeline

    poses = [Image.fromarray(frame) for frame in VideoReader(EXAMPLE / POSE).read(range(8))]
    pipe = Pose2VideoPipeline.from_pretrained(EXAMPLE)
    out = pipe(
        Image.open(EXAMPLE / REFERENCE),
        poses,
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=1.0,
        seed=42,
    )
    return np.moveaxis(out.videos[0], 0, -1)


def test_it_animates_a_figure_it_has_never_seen_in_a_motion_it_has_never_seen(frames):
    truth = VideoReader(EXAMPLE / TRUTH).read(range(8))
    copied = np.repeat(np.asarray(Image.open(EXAMPLE / REFERENCE))[None], 8, axis=0)
    assert psnr(frames, truth) > 26 > psnr(copied, truth) + 4

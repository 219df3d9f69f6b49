"""Numbers that no change of the code's shape may move.

Losses and gradients of a seeded batch, losses of two seeded steps, frames of a tiny video. They are
of code that `tests/parity.py` found equal to the torch implementation. Who changes them on
purpose runs it again, and says in the commit why they moved.
"""

import json

import numpy as np
import pytest
from PIL import Image

from aa.inference import Pose2VideoPipeline
from aa.models.animate_anyone import AnimateAnyone
from aa.training.trainable import set_trainable
from tests.conftest import fill, tiny_model_config
from tests.models.test_compact import batch, compact_config

STAGE1 = ["denoising_unet.*", "reference_unet.*", "pose_guider.*"]
STAGE2 = ["denoising_unet.*.motion_modules.*"]
NETWORKS = {"full": tiny_model_config, "compact": compact_config}


def build(kind, **options):
    model = AnimateAnyone(NETWORKS[kind](), **options)
    fill(model)
    return model


@pytest.mark.parametrize(
    ("kind", "stage", "loss", "norm"),
    [
        ("full", 1, 0.0623670, 0.1859973),
        ("full", 2, 0.0755676, 1.539846e-4),
        ("compact", 1, 27.23902, 139.5200),
        ("compact", 2, 124.9094, 345.0902),
    ],
)
def test_loss_and_gradients_of_a_batch_stay_what_they_were(tiny_batch, kind, stage, loss, norm):
    model = build(kind, motion_modules=stage == 2)
    set_trainable(model, STAGE2 if stage == 2 else STAGE1)
    model.train()
    frames = 3 if stage == 2 else 1
    found = model(**(tiny_batch(frames) if kind == "full" else batch(frames, 400)))
    found.backward()
    squares = [
        (p.grad.numpy().astype(float) ** 2).sum() for p in model.parameters() if p.grad is not None
    ]
    assert (float(found), np.sqrt(sum(squares))) == pytest.approx((loss, norm), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "losses"),
    [
        (["stage=1"], [0.1328097, 0.1240141]),
        (["stage=2", "stage.init_from=null", "stage.num_frames=4"], [0.1381161, 0.1021931]),
    ],
)
def test_the_losses_of_two_steps_stay_what_they_were(trained, options, losses):
    lines = (trained(*options) / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == pytest.approx(losses, rel=1e-4)


def test_the_frames_of_a_tiny_video_stay_what_they_were():
    rng = np.random.default_rng(0)
    reference, *poses = (
        Image.fromarray(rng.integers(0, 256, [16, 16, 3], np.uint8)) for _ in range(4)
    )
    model = build("full")
    model.eval()
    windows = {"context_frames": 2, "context_overlap": 1}
    size = {"width": 16, "height": 16}
    options = {"num_inference_steps": 3, "guidance_scale": 2.0, **windows, **size}
    video = Pose2VideoPipeline(model)(reference, poses, **options).videos
    pixel = [
        [0.551773, 0.497305, 0.634907],
        [0.613500, 0.618047, 0.621182],
        [0.339710, 0.297147, 0.275811],
    ]
    np.testing.assert_allclose(video[0, :, :, 5, 9], pixel, atol=1e-4)

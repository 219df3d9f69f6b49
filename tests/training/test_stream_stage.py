"""stage=stream through the whole trainer, and its weights through a stream."""

import numpy as np
import pytest
from PIL import Image

from aa.build.training import build_trainer
from aa.config.inference import InferenceConfig
from aa.config.sampling import SamplingOptions
from aa.errors import UserError
from aa.inference import Pose2VideoPipeline
from aa.inference.learned import warn_of_options
from tests.conftest import SAMPLING, TINY_MODEL

STEPS = ["stage.max_steps=2", "stage.save_steps=2", "stage.log_steps=1", "stage.warmup_steps=1"]
WINDOW = ["stage.stream_steps=2", "stage.stream_chunk=1", "stage.num_frames=4"]


@pytest.fixture(scope="module")
def streams(trained):
    base = trained("stage=2", "stage.init_from=null", "stage.num_frames=4")
    return trained("stage=stream", f"stage.init_from={base}", *WINDOW, *STEPS)


def test_its_weights_animate_more_poses_than_the_window_has(streams):
    options = SamplingOptions(mode="stream", num_inference_steps=2, stream_chunk=1)
    poses = [np.zeros([16, 16, 3], np.uint8)] * 9
    pipeline = Pose2VideoPipeline.from_pretrained(streams)
    frames = pipeline.stream(
        Image.new("RGB", (16, 16)), iter(poses), width=16, height=16, options=options
    )
    assert np.concatenate(list(frames)).shape == (9, 16, 16, 3)


def test_they_are_known_to_have_learned_it(streams, caplog):
    options = {"mode": "stream", "stream_chunk": 1, "guidance_scale": 1.0}
    warn_of_options(streams, InferenceConfig(num_inference_steps=2, **options))
    warn_of_options("other", InferenceConfig(num_inference_steps=2, lora=str(streams), **options))
    assert not caplog.records
    warn_of_options(streams, InferenceConfig(num_inference_steps=3, **options))
    assert "learned streams of 2 steps in chunks of 1 frames" in caplog.text


def test_guidance_of_streams_is_taught_by_weights_that_know_streams(trained, compose, puppets):
    plain = trained("stage=2", "stage.init_from=null", "stage.num_frames=4")
    given = ["stage=guidance", f"stage.init_from={plain}", *WINDOW, *STEPS]
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *given])
    with pytest.raises(UserError, match="never learned streams of 2 steps in chunks of 1"):
        build_trainer(config, plain.parent / "never")


AS_STREAMS = [
    "inference.mode=stream",
    "inference.num_inference_steps=2",
    "inference.stream_chunk=1",
    "inference.guidance_scale=1",
]


@pytest.mark.parametrize(("options", "said"), [([], 1), (AS_STREAMS, 0)])
def test_samples_in_windows_are_said_of_a_stage_that_learns_streams(
    compose, puppets, tmp_path, caplog, options, said
):
    start = ["stage=stream", "stage.init_from=null", *WINDOW, *SAMPLING]
    given = [*TINY_MODEL, *puppets, "hardware=cpu", *start, "inference.context_frames=6", *options]
    build_trainer(compose("train", given), tmp_path)
    assert caplog.text.count(f"for streams add {' '.join(AS_STREAMS)}") == said

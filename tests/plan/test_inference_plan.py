"""What an animation needs: counted against Paddle's allocator, and as a user asks for it."""

from dataclasses import replace

import numpy as np
import paddle
import pytest
from paddle.base import core
from PIL import Image

from aa.inference.pipeline import Pose2VideoPipeline
from aa.models.animate_anyone import AnimateAnyone
from aa.plan.advice import video_changes
from aa.plan.inference import Video, VideoCounter
from aa.plan.needs import GIB
from tests.conftest import tiny_model_config

CONFIG = replace(tiny_model_config(), block_out_channels=[32, 64], norm_num_groups=8)


def measured_peak(video):
    """Bytes at the height of an animation, with the weights."""
    side = video.height, video.width, 3
    poses = [np.zeros(side, np.uint8)] * video.frames * (2 if video.stream else 1)
    pipeline = Pose2VideoPipeline(AnimateAnyone(CONFIG, motion_modules=True).eval())
    others = core.host_memory_stat_current_value("Allocated", 0) - 4 * sum(
        p.size for p in pipeline.model.parameters()
    )
    core.host_memory_stat_reset_peak_value("Allocated", 0)
    options = {"num_inference_steps": 1, "context_frames": video.context_frames}
    if video.stream:  # of 2 steps in chunks of 2 frames
        options |= {"mode": "stream", "num_inference_steps": 2, "stream_chunk": 2}
    options["cache"] = "deep" if video.kept_frames else "none"
    options["decode_batch_size"] = video.decode_batch_size
    reference = Image.fromarray(poses[0])
    size = {"height": video.height, "width": video.width}
    for _ in pipeline.frames(reference, poses, context_overlap=1, **size, **options):
        pass
    return core.host_memory_stat_peak_value("Allocated", 0) - others


@pytest.mark.parametrize(
    "video",
    [
        Video(frames=10, height=128, width=128, context_frames=8, decode_batch_size=1),
        Video(frames=4, height=128, width=192, context_frames=4, decode_batch_size=4),
        Video(frames=24, height=128, width=128, context_frames=4, decode_batch_size=2),
        # 11 windows of 4, whose deep features are kept
        Video(34, 128, 128, context_frames=4, decode_batch_size=1, kept_frames=44),
        # a window of 8, which 16 frames go through
        Video(8, 128, 128, context_frames=8, decode_batch_size=2, stream=True),
    ],
)
def test_the_height_of_an_animation_is_what_the_allocator_gives(video):
    parts = VideoCounter(CONFIG, device="cpu", half=False).count(video).parts
    counted = sum(size for part, size in parts.items() if part != "Paddle and its libraries")
    assert counted == pytest.approx(measured_peak(video), rel=0.15)
    paddle.set_device("cpu")


def test_compiled_guidance_is_one_call_for_both_halves():
    network = replace(CONFIG, motion_max_frames=24)
    video = Video(frames=24, height=128, width=128, context_frames=24, decode_batch_size=1)
    alone, together = (
        VideoCounter(network, device="cpu", half=False, compiled=True, guided=guided)
        for guided in (False, True)
    )
    phase = "most at one time: denoising of a window"
    assert together.count(video).parts[phase] > 1.5 * alone.count(video).parts[phase]


def test_of_weights_in_8_bits_an_engine_keeps_two_bytes_in_place_of_four():
    video = Video(frames=4, height=64, width=64, context_frames=4, decode_batch_size=1)
    floats, eight = (
        VideoCounter(CONFIG, device="cpu", half=False, compiled=True, eight_bits=bits)
        for bits in (False, True)
    )
    of_engine = floats.model.denoising_unet, floats.model.pose_guider, floats.model.vae
    layers = [layer for part in of_engine for layer in part.sublayers()]
    projected = sum(layer.weight.size for layer in layers if isinstance(layer, paddle.nn.Linear))
    before, after = (counter.count(video).parts["weights"] for counter in (floats, eight))
    assert before - after == 2 * projected > 0


@pytest.mark.slow
def test_a_video_of_600x784_and_120_frames_fits_a_32_gb_card(compose):
    overrides = ["model=animate_anyone", "data=puppets", "stage=2", "stage.init_from=null"]
    network = compose("train", overrides).model.network()
    video = Video(frames=120, height=784, width=600, context_frames=24, decode_batch_size=4)
    assert VideoCounter(network, device="gpu", half=True).count(video).total < 31.7 * GIB


def test_what_costs_least_is_tried_first():
    video = Video(frames=30, height=64, width=128, context_frames=12, decode_batch_size=4)
    said = [overrides for _, overrides in video_changes(video, size_step=8)]
    assert said[0] == ["inference.decode_batch_size=1"]
    assert said[1] == [*said[0], "inference.context_frames=8"]
    assert said[2] == [*said[1], "inference.height=48", "inference.width=96"]


def test_where_memory_lacks_no_deep_features_are_kept():
    video = Video(30, 64, 128, context_frames=12, decode_batch_size=1, kept_frames=36)
    ((without, overrides), *_) = video_changes(video, size_step=8)
    assert (without.kept_frames, overrides) == (0, ["inference.cache=none"])

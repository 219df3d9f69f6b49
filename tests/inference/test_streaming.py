"""Streams: which frames a pass sees at which level, and what comes out when."""

import gc
import logging

import numpy as np
import paddle
import pytest

from aa.config.model import NoiseScheduleConfig
from aa.config.stream import StreamWindow
from aa.errors import UserError
from aa.inference import Pose2VideoPipeline
from aa.inference.streaming import PoseChunk, chunked, stream_latents
from aa.models.diffusion import Ddim
from tests.inference.test_pipeline import picture, poses

WINDOW = StreamWindow(steps=2, chunk=1)
OPTIONS = {"width": 16, "height": 16, "num_inference_steps": 2, "stream_chunk": 1}


class Passes:
    """A denoiser whose clean latents are the poses; it keeps what it was given."""

    def __init__(self):
        self.timesteps, self.poses, self.latents = [], [], []

    def __call__(self, latents, timesteps, pose_features):
        self.timesteps.append(timesteps.numpy()[0].tolist())
        poses = paddle.concat(pose_features, axis=2)
        self.poses.append(poses.numpy()[0, 0, :, 0, 0].tolist())
        self.latents.append(latents.numpy()[0, 0, :, 0, 0])
        return poses


def chunks(count, size=1):
    """Chunks of so many poses, the n-th of which is n."""
    for numbers, came in chunked(range(count), size):
        features = np.reshape(numbers, [1, 1, size, 1, 1])
        yield PoseChunk(paddle.to_tensor(features, dtype="float32"), came)


def stream(source, window=WINDOW, noise=0.0):
    """The passes of a stream, and the clean latents that came out of it."""
    passes = Passes()
    solver = Ddim(NoiseScheduleConfig(), "sample")
    drawn = stream_latents(
        passes, source, window, solver, lambda n: paddle.full([1, 1, n, 1, 1], noise)
    )
    return passes, [part.numpy().ravel().tolist()[:came] for part, came in drawn]


@pytest.fixture
def pipeline(tiny_model):
    return Pose2VideoPipeline(tiny_model())


def animate(pipeline, count, **options):
    frames = pipeline.frames(picture(), poses(count), **{**OPTIONS, "mode": "stream", **options})
    return list(frames)


def test_a_window_has_an_anchor_the_last_clean_frames_and_a_chunk_of_each_level():
    window = StreamWindow(steps=4, chunk=2)
    assert (window.frames, window.clean) == (12, 4)
    assert window.timesteps(1000) == [0, 0, 0, 0, 249, 249, 499, 499, 749, 749, 999, 999]


def test_every_pose_comes_out_once_in_its_order():
    _, found = stream(chunks(7))
    assert np.concatenate(found) == pytest.approx(np.arange(7))


def test_the_first_window_is_denoised_at_one_level_and_then_levels_lie_side_by_side():
    passes, _ = stream(chunks(5))
    assert passes.timesteps == [[999] * 4, [499] * 4] + [[0, 0, 499, 999]] * 3


def test_the_first_chunk_stays_and_every_pass_moves_the_others_on():
    passes, _ = stream(chunks(6))
    assert passes.poses[2:] == [[0, 1, 2, 3], [0, 2, 3, 4], [0, 3, 4, 5], [0, 4, 5, 5]]


def test_a_frame_keeps_its_noise_from_level_to_level():
    passes, _ = stream(chunks(5), noise=1.0)
    a = Ddim(NoiseScheduleConfig(), "sample").alphas.numpy()[499]
    for poses_seen, latents in zip(passes.poses[2:], passes.latents[2:], strict=True):
        expected = [*poses_seen[:2], a**0.5 * poses_seen[2] + (1 - a) ** 0.5, 1.0]
        np.testing.assert_allclose(latents, expected, atol=1e-4)


def test_a_video_that_ends_in_the_first_window_is_only_as_long_as_its_chunks():
    passes, found = stream(chunks(2))
    assert (passes.poses, found) == ([[0, 1], [0, 1]], [[0.0], [1.0]])


def test_a_chunk_that_is_not_full_gives_as_many_frames_as_poses_came():
    _, found = stream(chunks(9, size=2), StreamWindow(steps=2, chunk=2))
    assert np.concatenate(found) == pytest.approx(np.arange(9))


def test_no_poses_give_no_frames():
    assert stream(chunks(0))[1] == []


def test_a_slow_source_is_asked_for_no_more_than_the_next_chunk():
    asked = []

    def source():
        for number, chunk in enumerate(chunks(9)):
            asked.append(number)
            yield chunk

    solver = Ddim(NoiseScheduleConfig(), "sample")
    passes = stream_latents(
        Passes(), source(), WINDOW, solver, lambda n: paddle.zeros([1, 1, n, 1, 1])
    )
    counts = []
    for _ in range(4):
        next(passes)
        counts.append(len(asked))
    assert counts == [4, 4, 4, 5]


def test_poses_are_chunked_and_the_last_one_fills_up_and_goes_on():
    found = list(chunked("abc", 2))
    assert found == [(["a", "b"], 2), (["c", "c"], 1), (["c", "c"], 0)]


def test_a_stream_has_one_frame_a_pose_whatever_its_length(pipeline):
    for count in (1, 3, 6):
        assert np.concatenate(animate(pipeline, count)).shape == (count, 16, 16, 3)


def test_frames_of_a_stream_do_not_depend_on_what_comes_long_after_them(pipeline):
    short, long = (np.concatenate(animate(pipeline, count)) for count in (8, 12))
    np.testing.assert_array_equal(short[:6], long[:6])


@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
@pytest.mark.parametrize("noise", ["independent", "shared", "mixed"])
def test_a_video_of_one_window_is_that_of_windows(pipeline, guidance_scale, noise):
    options = {"guidance_scale": guidance_scale, "noise": noise, "context_frames": 5}
    streamed, expected = (animate(pipeline, 3, mode=m, **options) for m in ("stream", "windows"))
    np.testing.assert_allclose(np.concatenate(streamed), np.concatenate(expected), atol=1e-5)


def test_guidance_that_was_learned_reaches_every_frame_of_a_stream(tiny_model):
    pipeline = Pose2VideoPipeline(tiny_model(guidance=True))
    strong, again = (
        animate(pipeline, 3, mode=m, guidance_scale=3.0) for m in ("stream", "windows")
    )
    np.testing.assert_allclose(np.concatenate(strong), np.concatenate(again), atol=1e-5)
    weak, strong = (animate(pipeline, 8, guidance_scale=scale) for scale in (1.0, 3.0))
    for one, other in zip(np.concatenate(weak), np.concatenate(strong), strict=True):
        assert (one != other).any()


def test_a_source_without_poses_is_refused(pipeline):
    with pytest.raises(UserError, match="there is no pose to follow"):
        list(pipeline.stream(picture(), iter([]), **OPTIONS))


def test_a_stream_that_is_closed_closes_its_source(pipeline):
    closed = []

    def source():
        try:
            yield from poses(50)
        finally:
            closed.append(True)

    frames = pipeline.stream(picture(), source(), **OPTIONS)
    next(frames)
    frames.close()
    gc.collect()
    assert closed


def test_two_streams_with_a_bar_leave_the_handlers_of_the_log_alone(pipeline):
    before = logging.getLogger().handlers[:]
    options = {**OPTIONS, "mode": "stream", "progress": True}
    one, two = (pipeline.frames(picture(), poses(6), **options) for _ in range(2))
    for part in (next(one), next(two), *one, *two):
        assert logging.getLogger().handlers == before
        assert part.shape == (1, 16, 16, 3)


def test_a_window_longer_than_motion_reaches_is_refused(pipeline):
    with pytest.raises(UserError, match=r"windows of 22 frames, .* reach 8; take fewer steps"):
        animate(pipeline, 3, num_inference_steps=20)


@pytest.mark.parametrize(
    "option", [{"sampler": "dpmsolver++"}, {"cache": "deep"}, {"closed_loop": True}]
)
def test_what_does_not_go_with_a_stream_is_refused(pipeline, option):
    with pytest.raises(UserError, match="denoises every frame once, each at its own time"):
        animate(pipeline, 3, **option)


def test_given_noise_is_refused(pipeline):
    with pytest.raises(UserError, match="draws its noise as it proceeds"):
        animate(pipeline, 3, latents=np.zeros([1, 4, 3, 2, 2], np.float32))

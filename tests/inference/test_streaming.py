"""Streams: which frames a pass sees at which level, and what comes out when."""

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
        self.poses.append(pose_features.numpy()[0, 0, :, 0, 0].tolist())
        self.latents.append(latents.numpy()[0, 0, :, 0, 0])
        return pose_features


def chunks(*counts, size=1):
    """Pose chunks whose n-th pose is n, of so many poses each."""
    number = 0
    for frames in counts:
        values = [number + min(i, frames - 1) for i in range(size)]
        number += frames
        features = np.reshape(values, [1, 1, size, 1, 1])
        yield PoseChunk(paddle.to_tensor(features, dtype="float32"), frames)


def stream(source, window=WINDOW, noise=0.0):
    """The passes of a stream, and the clean latents that came out of it."""
    passes = Passes()
    solver = Ddim(NoiseScheduleConfig(), "sample")
    drawn = stream_latents(
        passes, source, window, solver, lambda n: paddle.full([1, 1, n, 1, 1], noise)
    )
    return passes, [part.numpy().ravel().tolist() for part in drawn]


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
    _, found = stream(chunks(*[1] * 7))
    assert np.concatenate(found) == pytest.approx(np.arange(7))


def test_the_first_window_is_denoised_at_one_level_and_then_levels_lie_side_by_side():
    passes, _ = stream(chunks(*[1] * 5))
    assert passes.timesteps == [[999] * 4, [499] * 4] + [[0, 0, 499, 999]] * 3


def test_the_first_chunk_stays_and_every_pass_moves_the_others_on():
    passes, _ = stream(chunks(*[1] * 6))
    assert passes.poses[2:] == [[0, 1, 2, 3], [0, 2, 3, 4], [0, 3, 4, 5], [0, 4, 5, 5]]


def test_a_frame_keeps_its_noise_from_level_to_level():
    passes, _ = stream(chunks(*[1] * 5), noise=1.0)
    a = Ddim(NoiseScheduleConfig(), "sample").alphas.numpy()[499]
    for poses_seen, latents in zip(passes.poses[2:], passes.latents[2:], strict=True):
        expected = [*poses_seen[:2], a**0.5 * poses_seen[2] + (1 - a) ** 0.5, 1.0]
        np.testing.assert_allclose(latents, expected, atol=1e-4)


def test_a_short_video_ends_with_the_first_window():
    passes, found = stream(chunks(1, 1))
    assert (len(passes.poses), found) == (2, [[0.0], [1.0]])


def test_a_chunk_that_is_not_full_gives_as_many_frames_as_poses_came():
    _, found = stream(chunks(2, 2, 1, size=2), StreamWindow(steps=2, chunk=2))
    assert np.concatenate(found) == pytest.approx(np.arange(5))


def test_no_poses_give_no_frames():
    assert stream(chunks())[1] == []


def test_a_slow_source_is_asked_for_no_more_than_the_next_chunk():
    asked = []

    def source():
        for number, chunk in enumerate(chunks(*[1] * 9)):
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


def test_poses_are_chunked_and_the_last_one_fills_up():
    assert list(chunked("abcde", 2)) == [(["a", "b"], 2), (["c", "d"], 2), (["e", "e"], 1)]


def test_a_stream_has_one_frame_a_pose_whatever_its_length(pipeline):
    for count in (1, 3, 6):
        assert np.concatenate(animate(pipeline, count)).shape == (count, 16, 16, 3)


def test_frames_of_a_stream_do_not_depend_on_what_comes_long_after_them(pipeline):
    short, long = (np.concatenate(animate(pipeline, count)) for count in (8, 12))
    np.testing.assert_array_equal(short[:6], long[:6])


def test_guidance_in_two_passes_goes_with_a_stream(pipeline):
    plain, guided = (np.concatenate(animate(pipeline, 5, guidance_scale=s)) for s in (1.0, 3.0))
    assert np.abs(plain - guided).max() > 1e-4


def test_a_window_longer_than_motion_reaches_is_refused(pipeline):
    with pytest.raises(UserError, match=r"windows of 22 frames, .* reach 8; take fewer steps"):
        animate(pipeline, 3, num_inference_steps=20)


@pytest.mark.parametrize(
    "option", [{"sampler": "dpmsolver++"}, {"cache": "deep"}, {"closed_loop": True}]
)
def test_what_does_not_go_with_a_stream_is_refused(pipeline, option):
    with pytest.raises(UserError, match="mode=stream brings each frame through levels of its own"):
        animate(pipeline, 3, **option)


def test_noise_of_ones_own_is_refused(pipeline):
    with pytest.raises(UserError, match="draws its noise as it goes"):
        animate(pipeline, 3, latents=np.zeros([1, 4, 3, 2, 2], np.float32))

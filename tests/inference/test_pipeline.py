"""The pipeline: what it needs, what it gives, what must not change its numbers."""

import numpy as np
import pytest
from PIL import Image

from aa.errors import UserError
from aa.inference import Pose2VideoPipeline
from aa.inference.sampling import decode_batch, start_latents

OPTIONS = {"width": 16, "height": 16, "num_inference_steps": 2, "context_overlap": 1}


@pytest.fixture
def pipeline(tiny_model):
    return Pose2VideoPipeline(tiny_model())


def picture(seed=0, size=16):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, [size, size, 3], np.uint8))


def poses(count):
    return [picture(seed=1 + i) for i in range(count)]


def animate(pipeline, count, **options):
    return pipeline(picture(), poses(count), **{**OPTIONS, "context_frames": 4, **options}).videos


def test_a_video_is_float32_in_0_to_1_with_one_frame_a_pose(pipeline):
    video = animate(pipeline, 3)
    assert (video.shape, video.dtype) == ((1, 3, 3, 16, 16), np.float32)
    assert 0 <= video.min() <= video.max() <= 1


def test_one_pose_gives_one_picture(pipeline):
    assert animate(pipeline, 1).shape == (1, 3, 1, 16, 16)


def test_the_same_seed_gives_the_same_video_and_another_another(pipeline):
    one, two, other = (animate(pipeline, 2, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1e-3


def test_given_noise_takes_the_place_of_the_seed(pipeline):
    noise = np.random.default_rng(0).standard_normal([1, 4, 2, 2, 2]).astype("float32")
    one, two = (animate(pipeline, 2, latents=noise, seed=s) for s in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_shared_noise_starts_all_frames_alike_and_mixed_noise_half():
    shape = [1, 4, 50, 8, 8]
    shared, mixed, own = (
        start_latents(None, shape, 7, noise).numpy()[0].transpose(1, 0, 2, 3).reshape(50, -1)
        for noise in ("shared", "mixed", "independent")
    )
    assert np.array_equal(shared[0], shared[49])
    assert np.corrcoef(own)[0, 1:].mean() == pytest.approx(0, abs=0.05)
    assert np.corrcoef(mixed)[0, 1:].mean() == pytest.approx(0.5, abs=0.1)
    assert mixed.std() == pytest.approx(1, abs=0.1)


def test_the_number_of_frames_decoded_at_once_does_not_matter(pipeline):
    one, three = (animate(pipeline, 5, decode_batch_size=n) for n in (1, 3))
    np.testing.assert_allclose(one, three, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "frames"), [((256, 512), 8), ((768, 768), 1), ((2048, 2048), 1), ((64, 64), 16)]
)
def test_a_million_pixels_are_decoded_at_once_and_sixteen_frames_at_most(size, frames):
    assert decode_batch(None, *size) == frames
    assert decode_batch(3, *size) == 3


def test_guidance_1_needs_no_unconditional_call(pipeline):
    no_guidance, weak = (animate(pipeline, 2, guidance_scale=s) for s in (1.0, 1.0 + 1e-6))
    np.testing.assert_allclose(no_guidance, weak, atol=1e-4)


def test_with_one_step_an_open_video_does_not_join_its_end_to_its_start(pipeline):
    def first_frame(last_pose, closed_loop):
        images = [*poses(6), picture(seed=last_pose)]
        options = {**OPTIONS, "num_inference_steps": 1, "context_frames": 4}
        return pipeline(picture(), images, closed_loop=closed_loop, **options).videos[:, :, 0]

    np.testing.assert_array_equal(first_frame(50, False), first_frame(60, False))
    assert np.abs(first_frame(50, True) - first_frame(60, True)).max() > 0


def test_poses_are_read_in_slices_as_they_are_needed(pipeline):
    class Lazy:
        asked = ()

        def __len__(self):
            return 5

        def __getitem__(self, part):
            self.asked += (len(range(5)[part]),)
            return [np.asarray(p) for p in poses(5)[part]]

    lazy = Lazy()
    video = pipeline(picture(), lazy, context_frames=4, decode_batch_size=2, **OPTIONS).videos
    assert lazy.asked == (2, 2, 1)
    np.testing.assert_array_equal(video, animate(pipeline, 5, decode_batch_size=2))


def test_what_a_transparent_picture_hides_changes_nothing(pipeline):
    noise, plain = picture(), Image.new("RGB", (16, 16), "red")
    hidden = noise.copy()
    hidden.putalpha(0)
    options = {**OPTIONS, "context_frames": 4}
    over_red = pipeline(hidden, poses(1), background="red", **options).videos
    np.testing.assert_array_equal(over_red, pipeline(plain, poses(1), **options).videos)


def test_transparent_poses_are_over_black(pipeline):
    hidden, black = picture(), Image.new("RGB", (16, 16))
    hidden.putalpha(0)
    one, other = (
        pipeline(picture(), [pose], context_frames=4, **OPTIONS).videos for pose in (hidden, black)
    )
    np.testing.assert_array_equal(one, other)


def test_damaged_weights_give_an_error_and_not_a_video(pipeline):
    weight = pipeline.model.vae.decoder.conv_out.weight
    weight.set_value(np.full(weight.shape, np.nan, dtype="float32"))
    with pytest.raises(UserError, match="the frames are not numbers"):
        animate(pipeline, 1)


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (2, {"width": 20}, "multiples of 8 for this model, got 16 x 20"),
        (0, {}, "no frames"),
        (9, {"context_frames": 9}, "reach 8 frames; use options.context_frames=8"),
        (2, {"context_overlap": 4}, "context_overlap .4. must be less"),
        (2, {"latents": np.zeros([1, 4, 3, 2, 2])}, r"must be \[1, 4, 2, 2, 2\].* got \[1, 4, 3"),
    ],
)
def test_impossible_requests_say_what_to_do(pipeline, count, options, message):
    with pytest.raises(UserError, match=message):
        animate(pipeline, count, **options)

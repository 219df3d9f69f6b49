import numpy as np
import pytest
from PIL import Image

from aa.data.transforms import (
    Box,
    center_crop,
    clip_pixels,
    draw_crop,
    fit_frames,
    place,
    rescale,
    to_signed,
    to_unit,
)
from aa.errors import UserError
from tests.data.conftest import noisy_frames


def disc(*, height, width, radius):
    """A white disc in the middle of one black frame [1, H, W, 3]."""
    y, x = np.ogrid[:height, :width]
    inside = (y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2 <= radius**2
    return np.repeat((inside * 255).astype(np.uint8)[None, :, :, None], 3, axis=3)


def extent(frame):
    """(height, width) of what is brighter than half in a frame [H, W, 3]."""
    bright = frame[..., 0] > 127
    return np.ptp(np.where(bright.any(axis=1))) + 1, np.ptp(np.where(bright.any(axis=0))) + 1


@pytest.mark.parametrize("fit", ["pad", "crop"])
def test_a_circle_stays_a_circle(fit):
    frames = disc(height=90, width=120, radius=20)
    height, width = extent(fit_frames(frames, (64, 48), fit=fit)[0])
    assert abs(height - width) <= 1
    assert height > 10


def test_pad_shows_the_whole_frame_centred_on_black():
    frames = np.full((1, 10, 20, 3), 200, np.uint8)
    fitted = fit_frames(frames, (40, 40), fit="pad")[0, :, :, 0]
    assert (fitted[10:30] == 200).all()
    assert (fitted[:10] == 0).all() and (fitted[30:] == 0).all()


def test_crop_cuts_the_given_box():
    frames = noisy_frames(2, height=20, width=30)
    fitted = fit_frames(frames, (8, 10), fit="crop", box=Box(3, 5, 8, 10))
    np.testing.assert_array_equal(fitted, frames[:, 3:11, 5:15])


@pytest.mark.parametrize("fit", ["pad", "crop"])
def test_frames_of_the_right_size_are_not_touched(fit):
    frames = noisy_frames(2, height=16, width=24)
    np.testing.assert_array_equal(fit_frames(frames, (16, 24), fit=fit), frames)


def test_unknown_fit_is_refused():
    with pytest.raises(UserError, match='"pad" or "crop", got \'squash\''):
        fit_frames(noisy_frames(1), (16, 16), fit="squash")


def test_centre_crop_is_the_largest_box_of_the_target_shape():
    assert center_crop((940, 720), (768, 512)) == Box(0, 46, 940, 627)
    assert center_crop((100, 200), (64, 64)) == Box(0, 50, 100, 100)


def test_drawn_boxes_lie_inside_and_reach_every_edge():
    rng = np.random.default_rng(0)
    boxes = [draw_crop(rng, (12, 9), (8, 8), scale=(0.6, 0.9)) for _ in range(500)]
    assert {box.height for box in boxes} == {box.width for box in boxes} == {5, 6, 7, 8}
    assert min(box.top for box in boxes) == min(box.left for box in boxes) == 0
    assert max(box.top + box.height for box in boxes) == 12
    assert max(box.left + box.width for box in boxes) == 9


def test_crop_scale_outside_0_to_1_is_refused():
    with pytest.raises(UserError, match=r"got \[0.9, 1.2\]"):
        draw_crop(np.random.default_rng(0), (12, 9), (8, 8), scale=(0.9, 1.2))


def test_a_picture_of_half_the_size_is_laid_over_the_frame():
    placement = place((20, 40), (8, 8), fit="crop", box=Box(4, 6, 10, 10))
    assert rescale(placement, (20, 40), (10, 20)).box == Box(2, 3, 5, 5)


def test_ranges_and_axes_of_pixels():
    frames = np.zeros((2, 1, 3, 3), np.uint8)
    frames[1, 0, 2] = (255, 51, 0)
    assert to_unit(frames).shape == (3, 2, 1, 3)
    np.testing.assert_allclose(to_unit(frames)[:, 1, 0, 2], [1, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(to_signed(frames)[:, 1, 0, 2], [1, -0.6, -1], atol=1e-6)
    assert to_unit(frames).dtype == to_signed(frames).dtype == np.float32


def test_clip_sees_the_whole_image_squashed_and_normalised():
    image = Image.new("RGB", (30, 10), (255, 0, 0))
    image.paste((0, 255, 0), (0, 0, 15, 10))  # left half green
    pixels = clip_pixels(image)
    assert (pixels.shape, pixels.dtype) == ((3, 224, 224), np.float32)
    np.testing.assert_allclose(pixels[0, 0, -1], (1 - 0.48145466) / 0.26862954, rtol=1e-5)
    np.testing.assert_allclose(pixels[1, -1, 0], (1 - 0.4578275) / 0.26130258, rtol=1e-5)

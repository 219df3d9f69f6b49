import numpy as np
import pytest

from aa.evaluation.metrics import (
    clip_mean,
    mean_and_interval,
    psnr,
    psnr_per_frame,
    psnr_uint8_overflow,
    ssim,
    temporal_error,
)


def flat(*levels, dtype=np.float64):
    """Frames [F, 8, 8, 3], each of one level."""
    return np.ones([len(levels), 8, 8, 3], dtype) * np.array(levels, dtype)[:, None, None, None]


def flat_uint8(*levels):
    return flat(*levels, dtype=np.uint8)


def half_mask(frames):
    """bool [F, 8, 8]: the left half is inside."""
    mask = np.zeros([frames, 8, 8], bool)
    mask[:, :, :4] = True
    return mask


def test_psnr_of_errors_of_a_tenth_is_20_db():
    assert psnr(flat(0.5), flat(0.6)) == pytest.approx(20)


def test_psnr_of_uint8_frames_does_not_wrap():
    expected = 10 * np.log10(255**2 / 51**2)
    assert psnr(flat_uint8(0), flat_uint8(51)) == pytest.approx(expected)
    assert psnr(flat_uint8(51), flat_uint8(0)) == pytest.approx(expected)


def test_float32_and_uint8_frames_of_the_same_picture_have_the_same_psnr():
    ours, theirs = flat_uint8(3, 200), flat_uint8(9, 180)
    as_float = psnr(np.float32(ours / 255), np.float32(theirs / 255))
    assert psnr(ours, theirs) == pytest.approx(as_float, abs=1e-4)


def test_a_clips_psnr_is_the_mean_over_its_frames():
    assert psnr(flat(0.5, 0.5), flat(0.6, 0.51)) == pytest.approx((20 + 40) / 2)


def test_equal_frames_have_100_db_and_leave_the_mean_finite():
    assert psnr(flat(0.5, 0.5), flat(0.5, 0.6)) == pytest.approx((100 + 20) / 2)


def test_psnr_inside_the_figure_sees_nothing_else():
    truth = flat(0.5)
    generated = truth + np.where(half_mask(1), 0.1, 0.4)[..., None]
    assert psnr(generated, truth, half_mask(1)) == pytest.approx(20)
    assert psnr(generated, truth) == pytest.approx(-10 * np.log10((0.01 + 0.16) / 2))


def test_a_frame_without_a_figure_has_no_value_and_does_not_count():
    mask = half_mask(2)
    mask[1] = False
    values = psnr_per_frame(flat(0.5, 0.5), flat(0.6, 0.5), mask)
    np.testing.assert_allclose(values, [20, np.nan])
    assert clip_mean(values) == pytest.approx(20)


def test_a_clip_without_a_figure_is_refused():
    with pytest.raises(ValueError, match="its mask is empty"):
        psnr(flat(0.5), flat(0.5), np.zeros([1, 8, 8], bool))


def test_the_published_psnr_loses_what_wraps():
    truth = flat_uint8(100)
    generated = truth + np.where(half_mask(1), 16, 17).astype(np.uint8)[..., None]
    # 16 * 16 = 256 wraps to 0 and 17 * 17 = 289 to 33
    assert psnr_uint8_overflow(generated, truth) == pytest.approx(10 * np.log10(255**2 / 16.5))
    assert psnr(generated, truth) == pytest.approx(10 * np.log10(255**2 / 272.5))


def test_the_published_psnr_wraps_negative_differences_to_the_same():
    # 100 - 117 = 239 modulo 256, and 239 * 239 = 57121 = 223 * 256 + 33
    value = psnr_uint8_overflow(flat_uint8(100), flat_uint8(117))
    assert value == pytest.approx(10 * np.log10(255**2 / 33))


def test_the_published_psnr_calls_an_error_of_16_perfect():
    assert psnr_uint8_overflow(flat_uint8(100), flat_uint8(116)) == 100


def test_the_published_psnr_has_no_meaning_for_float_frames():
    with pytest.raises(ValueError, match="wanted uint8 frames, got float64"):
        psnr_uint8_overflow(flat(0.5), flat(0.5))


def test_ssim_of_equal_frames_is_1():
    noise = np.random.default_rng(0).random([2, 8, 8, 3])
    assert ssim(noise, noise) == pytest.approx(1)


def test_ssim_of_flat_frames_is_its_luminance_term():
    # without variance: (2ab + c) / (a^2 + b^2 + c) with c = (0.01 * data range)^2
    expected = (2 * 0.2 * 0.4 + 1e-4) / (0.2**2 + 0.4**2 + 1e-4)
    assert ssim(flat(0.2), flat(0.4)) == pytest.approx(expected)


def test_temporal_error_is_the_difference_of_the_changes():
    assert temporal_error(flat_uint8(0, 10, 20), flat_uint8(0, 4, 8)) == pytest.approx(6)


def test_a_still_picture_has_the_truths_motion_as_temporal_error():
    assert temporal_error(flat_uint8(7, 7, 7), flat_uint8(0, 4, 8)) == pytest.approx(4)


def test_a_constant_error_is_no_temporal_error():
    assert temporal_error(flat_uint8(90, 94), flat_uint8(0, 4)) == pytest.approx(0)


def test_temporal_error_inside_covers_the_figure_of_both_frames():
    truth = flat_uint8(0, 0)
    generated = truth.copy()
    generated[1, :, :4] = 8  # flickers in the left half
    before = np.zeros([2, 8, 8], bool)
    before[0, :, :4] = True  # the figure is there first, then gone
    assert temporal_error(generated, truth, before) == pytest.approx(8)
    assert temporal_error(generated, truth) == pytest.approx(4)


def test_one_frame_has_no_temporal_error():
    with pytest.raises(ValueError, match="too short"):
        temporal_error(flat(0.5), flat(0.5))


def test_the_interval_is_students():
    mean, half = mean_and_interval([1, 2, 3])
    assert mean == pytest.approx(2)
    assert half == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)  # t of 2 degrees of freedom


def test_one_clip_has_no_interval():
    assert mean_and_interval([3]) == (3.0, None)


@pytest.mark.parametrize("values", [[], [1, np.nan], [np.inf, 1]])
def test_a_mean_of_what_is_not_finite_is_refused(values):
    with pytest.raises(ValueError, match="one finite value per clip"):
        mean_and_interval(values)


@pytest.mark.parametrize(
    ("generated", "truth", "mask", "line"),
    [
        (flat(0.5), flat(0.5, 0.5), None, r"wanted two \[F, H, W, 3\], got \(1, 8, 8, 3\) and"),
        (flat(0.5)[0], flat(0.5)[0], None, r"wanted two \[F, H, W, 3\]"),
        (flat(0.5), flat(0.5), half_mask(2), r"wanted a bool mask \(1, 8, 8\), got bool \(2"),
        (flat(0.5), flat(0.5), half_mask(1) * 1, r"wanted a bool mask .* got int64"),
        (flat(100.0), flat(90.0), None, r"wanted float frames in 0..1, got 100.0..100.0"),
        (flat(0.5), flat(np.nan), None, r"wanted float frames in 0..1, got nan..nan"),
        (flat(1, dtype=int), flat(0.5), None, r"wanted uint8 or float frames, got int64"),
    ],
)
def test_frames_that_do_not_fit_are_refused(generated, truth, mask, line):
    with pytest.raises(ValueError, match=line):
        psnr(generated, truth, mask)

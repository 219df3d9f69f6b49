import numpy as np
import pytest

from aa.errors import UserError
from aa.evaluation import measure
from aa.evaluation.measure import Measurement
from aa.evaluation.metrics import psnr, ssim, temporal_error

NAMES = ["psnr", "psnr_figure", "ssim", "temporal_error", "temporal_error_figure"]


@pytest.fixture
def clip():
    """Generated and true frames, uint8 [20, 8, 8, 3], and masks that leave frame 3 empty."""
    rng = np.random.default_rng(0)
    generated, truth = rng.integers(0, 256, [2, 20, 8, 8, 3], np.uint8)
    mask = rng.random([20, 8, 8]) < 0.5
    mask[3] = False
    return generated, truth, mask


def slices(clip, *, size):
    for start in range(0, len(clip[0]), size):
        yield tuple(part[start : start + size] for part in clip)


@pytest.mark.parametrize("size", [1, 7, 20])
def test_slices_give_what_the_whole_clip_gives(clip, size):
    generated, truth, mask = clip
    values = Measurement(NAMES).clip(slices(clip, size=size))
    assert values == pytest.approx(
        {
            "psnr": psnr(generated, truth),
            "psnr_figure": psnr(generated, truth, mask),
            "ssim": ssim(generated, truth),
            "temporal_error": temporal_error(generated, truth),
            "temporal_error_figure": temporal_error(generated, truth, mask),
        }
    )


def test_progress_is_told_in_frames(clip):
    done = []
    Measurement(["psnr"]).clip(slices(clip, size=8), done.append)
    assert done == [8, 8, 4]


def test_a_clip_whose_masks_are_all_black_is_refused(clip):
    generated, truth, mask = clip
    with pytest.raises(UserError, match=r"psnr_figure: no mask of the clip has a white pixel"):
        Measurement(NAMES).clip([(generated, truth, np.zeros_like(mask))])


def test_lpips_is_the_mean_over_frames_and_fvd_takes_whole_slices(clip, monkeypatch):
    class FakeLpips:
        def per_frame(self, generated, truth):
            return np.arange(len(truth))

    class FakeFvd:
        def __init__(self):
            self.sizes = []

        def add(self, generated, truth):
            self.sizes.append((len(generated), len(truth)))

    monkeypatch.setattr(measure, "Lpips", FakeLpips)
    monkeypatch.setattr(measure, "Fvd", FakeFvd)
    measurement = Measurement(["lpips", "fvd"])
    values = measurement.clip(slices(clip, size=16))
    assert values == {"lpips": (sum(range(16)) + sum(range(4))) / 20}
    assert (measurement.fvd.sizes, measurement.samples) == ([(16, 16)], 1)

"""The pose of the reference in an item: its frame, its crop, and nothing else changed."""

import numpy as np
import pytest

from aa.data.latents import LatentStore
from aa.data.manifest import Clip
from tests.data.conftest import noisy_frames, write_video
from tests.data.test_clips import assert_same_item, make_dataset
from tests.data.test_latents import encode


@pytest.fixture
def twins(tmp_path):
    """A clip whose pose video shows what its video shows: other squares of 8x8 in every frame."""
    squares = noisy_frames(9, height=48, width=40)[:, ::8, ::8]
    frames = np.repeat(np.repeat(squares, 8, axis=1), 8, axis=2)
    return [Clip(*(write_video(tmp_path / f"{name}.mp4", frames) for name in "ab"))]


@pytest.mark.parametrize(
    "options",
    [
        {"fit": "crop", "crop_scale": (0.5, 0.8)},
        {"fit": "pad"},
        {"fit": "pad", "cache_bytes": 10**7},
        {"fit": "pad", "in_order": False},
    ],
    ids=["crop", "pad", "cache", "single frames"],
)
def test_the_pose_has_the_frame_and_the_crop_of_the_reference(twins, options):
    dataset = make_dataset(twins, reference_pose=True, **options)
    for k in range(3):
        item = dataset[k]
        pose = item["reference_pose_pixels"]
        assert (pose.shape, pose.dtype) == ((3, 32, 24), np.float32)
        np.testing.assert_allclose(pose * 2 - 1, item["reference_pixels"], atol=0.05)


@pytest.mark.parametrize("options", [{"fit": "crop"}, {"fit": "pad", "cache_bytes": 10**7}])
def test_all_else_of_an_item_is_as_without_it(twins, options):
    plain, posed = (make_dataset(twins, reference_pose=p, **options)[2] for p in (False, True))
    assert set(posed) - set(plain) == {"reference_pose_pixels"}
    assert_same_item(plain, {name: posed[name] for name in plain})


def test_it_comes_with_latents_too(twins, tmp_path):
    store = LatentStore(tmp_path / "latents", vae="0123456789abcdef", size=(16, 16))
    store.encode(twins, encode)
    options = {"size": (16, 16), "fit": "pad", "reference_pose": True}
    pixels, encoded = (make_dataset(twins, latents=s, **options)[1] for s in (None, store))
    assert "moments" in encoded
    np.testing.assert_array_equal(encoded["reference_pose_pixels"], pixels["reference_pose_pixels"])

"""Frames that are encoded once: what is kept, when it is made anew, that items stay the same."""

import errno
import logging
import os
from unittest.mock import Mock

import numpy as np
import pytest

from aa.data.clips import ClipDataset
from aa.data.latents import LatentStore
from aa.data.manifest import Clip
from aa.errors import ClipError, UserError
from tests.data.conftest import flat_frames, write_video

SETTINGS = dict(
    size=(16, 16),
    fit="pad",
    num_frames=3,
    in_order=True,
    frame_stride=1,
    sample_margin=1,
    seed=3,
    num_samples=4,
    clip_size=16,
)


def encode(pixels):
    """Stands for a VAE: mean is the brightness of each frame, deviation its square."""
    mean = pixels.mean(axis=(1, 2, 3), dtype=np.float32)
    moments = np.stack([mean, mean**2], axis=1)
    return np.broadcast_to(moments[:, :, None, None], (len(pixels), 2, 2, 2)).copy()


@pytest.fixture
def clips(tmp_path):
    """Two clips of 10 grey frames, each frame of its own brightness."""
    frames = flat_frames(10, step=20)
    return [
        Clip(*(write_video(tmp_path / part / f"{name}.mp4", frames + first) for part in "vp"))
        for name, first in (("a", 0), ("b", 10))
    ]


@pytest.fixture
def store(tmp_path):
    return LatentStore(tmp_path / "latents", vae="0123456789abcdef", size=(16, 16))


def test_an_item_has_the_moments_of_the_frames_it_would_show(clips, store):
    store.encode(clips, encode)
    pixels, encoded = (ClipDataset(clips, latents=s, **SETTINGS) for s in (None, store))
    for k in range(4):
        wanted, item = pixels[k], encoded[k]
        moments = encode(wanted["pixel_values"].swapaxes(0, 1)).swapaxes(0, 1)
        np.testing.assert_allclose(item["moments"], moments, atol=1e-6)
        reference = encode(wanted["reference_pixels"][None])[0]
        np.testing.assert_allclose(item["reference_moments"], reference, atol=1e-6)


def test_all_that_is_not_encoded_is_as_without_latents(clips, store):
    store.encode(clips, encode)
    pixels, encoded = (ClipDataset(clips, latents=s, **SETTINGS)[1] for s in (None, store))
    assert set(pixels) - set(encoded) == {"pixel_values", "reference_pixels"}
    for name in set(pixels) & set(encoded):
        np.testing.assert_array_equal(pixels[name], encoded[name], err_msg=name)


def test_a_clip_is_encoded_once(clips, store):
    encoded = []
    for _ in range(2):
        store.encode(clips, lambda pixels: encoded.append(len(pixels)) or encode(pixels))
    assert encoded == [10, 10]


def test_a_video_that_has_changed_is_encoded_anew(clips, store):
    store.encode(clips, encode)
    write_video(clips[0].video, flat_frames(10, step=5))
    again = LatentStore(store.folder.parent, vae="0123456789abcdef", size=(16, 16))
    again.encode(clips, encode)
    brightness = again.read(clips[0], range(10))[0, :, 0, 0]
    np.testing.assert_allclose(brightness, np.arange(10) * 5 / 127.5 - 1, atol=0.02)


def test_a_file_that_was_cut_short_is_encoded_anew(clips, store):
    store.encode(clips, encode)
    file = next(store.folder.iterdir())
    whole = file.read_bytes()
    file.write_bytes(whole[:-4])
    store.encode(clips, encode)
    assert file.read_bytes() == whole


def test_another_vae_or_size_has_a_folder_of_its_own(tmp_path, store):
    others = [
        LatentStore(tmp_path / "latents", vae="f" * 16, size=(16, 16)),
        LatentStore(tmp_path / "latents", vae="0123456789abcdef", size=(16, 24)),
    ]
    assert len({s.folder for s in (store, *others)}) == 3


def test_a_clip_that_does_not_decode_is_left_out_and_named_when_it_is_read(clips, store, caplog):
    clips[0].video.write_bytes(b"no video")
    with caplog.at_level(logging.WARNING):
        store.encode(clips, encode, skip_bad=True)
    assert "a.mp4" in caplog.text
    with pytest.raises(ClipError, match=r"a\.mp4: has no latents"):
        store.read(clips[0], [0])
    assert store.read(clips[1], [0, 1]).shape == (2, 2, 2, 2)


def test_a_clip_that_does_not_decode_stops_the_encoding_otherwise(clips, store):
    clips[0].video.write_bytes(b"no video")
    with pytest.raises(ClipError, match=r"a\.mp4"):
        store.encode(clips, encode)


def test_a_full_disk_is_said_and_what_is_there_is_kept(clips, store, monkeypatch):
    store.encode(clips[:1], encode)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("aa.data.latents.save_file", Mock(side_effect=full))
    with pytest.raises(UserError, match=r"latents cannot be written .*No space left"):
        store.encode(clips, encode)
    assert len(os.listdir(store.folder)) == 1


def test_nothing_half_written_stays_where_encoding_stops(clips, store, monkeypatch):
    def stopped(arrays, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("aa.data.latents.save_file", stopped)
    with pytest.raises(KeyboardInterrupt):
        store.encode(clips, encode)
    assert not os.listdir(store.folder)


def test_cut_frames_cannot_be_kept(clips, store):
    with pytest.raises(UserError, match='only clips with fit "pad" can be kept'):
        ClipDataset(clips, latents=store, **SETTINGS | {"fit": "crop"})

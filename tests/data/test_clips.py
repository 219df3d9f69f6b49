import logging
import pickle

import numpy as np
import pytest

from aa.data.cache import ClipCache
from aa.data.clips import ClipDataset
from aa.data.manifest import Clip
from aa.data.sampling import draw_frames, permutation
from aa.errors import ClipError, UserError
from tests.data.conftest import cut_short, flat_frames, noisy_frames, write_video
from tests.data.numbered import write_numbered

SHAPES = {
    "pixel_values": (3, 4, 32, 24),
    "pose_pixels": (3, 4, 32, 24),
    "reference_pixels": (3, 32, 24),
    "clip_pixels": (3, 16, 16),
    "drop_reference": (),
    "timesteps": (4,),
    "noise": (4, 4, 4, 3),
    "posterior_noise": (4, 4, 4, 3),
    "reference_posterior_noise": (4, 4, 3),
}


def make_dataset(clips, **changes):
    settings = dict(
        size=(32, 24),
        fit="crop",
        num_frames=4,
        in_order=True,
        frame_stride=2,
        sample_margin=3,
        seed=5,
        num_samples=8,
        clip_size=16,
    )
    return ClipDataset(clips, **settings | changes)


def grey_clip(folder, name, *, num_frames=20, step=10):
    """A clip whose frame i, in video and pose video alike, is of brightness i * step."""
    frames = flat_frames(num_frames, step=step)
    paths = (folder / part / f"{name}.mp4" for part in ("video", "pose"))
    return Clip(*(write_video(path, frames) for path in paths))


def assert_same_item(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def frame_numbers(pixels, *, step=10):
    """The frame numbers of a grey clip from pixels [3, F, H, W] in [0, 1]."""
    return np.round(pixels.mean(axis=(0, 2, 3)) * 255 / step).astype(int)


def test_an_item_has_the_promised_shapes_types_and_ranges(puppet_clips):
    item = make_dataset(puppet_clips)[0]
    assert {name: array.shape for name, array in item.items()} == SHAPES
    kinds = {"drop_reference": np.bool_, "timesteps": np.int64}
    assert all(array.dtype == kinds.get(name, np.float32) for name, array in item.items())
    assert item["pixel_values"].min() < 0 <= item["pose_pixels"].min()
    assert item["pixel_values"].max() <= 1 and item["pose_pixels"].max() <= 1


def test_item_k_is_the_same_in_any_order_and_after_pickling(puppet_clips):
    dataset, restarted = make_dataset(puppet_clips), make_dataset(puppet_clips, num_samples=99)
    forwards = [dataset[k] for k in range(4)]
    copied = pickle.loads(pickle.dumps(dataset))
    for k in (3, 0, 2, 1):
        assert_same_item(forwards[k], restarted[k])
        assert_same_item(forwards[k], copied[k])


def test_item_k_is_the_same_with_and_without_workers(puppet_clips):
    from paddle.io import DataLoader

    dataset = make_dataset(puppet_clips, num_samples=5)
    expected = [dataset[k] for k in range(5)]
    for workers in (0, 2):
        loader = DataLoader(dataset, batch_size=2, num_workers=workers, use_shared_memory=False)
        batches = [{name: array.numpy() for name, array in batch.items()} for batch in loader]
        items = [{name: b[name][i] for name in b} for b in batches for i in range(len(b["noise"]))]
        assert len(items) == 5
        for item, wanted in zip(items, expected, strict=True):
            assert_same_item(item, wanted)


def test_items_and_seeds_differ(puppet_clips):
    dataset, other = make_dataset(puppet_clips), make_dataset(puppet_clips, seed=6)
    assert (dataset[0]["noise"] != dataset[3]["noise"]).all()
    assert (dataset[0]["noise"] != other[0]["noise"]).all()


def test_every_epoch_takes_every_clip_once_in_its_own_order():
    orders = [permutation(5, epoch, 7) for epoch in range(4)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_the_stream_follows_the_permutations(tmp_path):
    clips = [grey_clip(tmp_path, str(n), num_frames=1, step=0) for n in range(3)]
    for n, clip in enumerate(clips):  # clip n is plain grey of brightness 50 * n
        for path in (clip.video, clip.pose):
            write_video(path, np.full((1, 16, 16, 3), 50 * n, np.uint8))
    dataset = make_dataset(clips, num_frames=1, in_order=False, num_samples=6)
    shown = [int(frame_numbers(dataset[k]["pose_pixels"], step=50)[0]) for k in range(6)]
    assert shown == [*permutation(5, 0, 3), *permutation(5, 1, 3)]


def test_target_pose_and_reference_get_the_same_crop(tmp_path):
    picture = noisy_frames(1, height=48, width=48)
    frames = np.repeat(np.repeat(picture[:, ::8, ::8], 8, axis=1), 8, axis=2)  # 8x8 squares
    paths = [write_video(tmp_path / f"{n}.mp4", np.repeat(frames, 9, axis=0)) for n in "ab"]
    item = make_dataset([Clip(*paths)], crop_scale=(0.5, 0.8))[3]
    target, pose = item["pixel_values"], item["pose_pixels"] * 2 - 1
    np.testing.assert_allclose(pose, target, atol=0.05)
    np.testing.assert_allclose(item["reference_pixels"], target[:, 0], atol=0.05)


@pytest.mark.parametrize("fit", ["pad", "crop"])
def test_a_smaller_pose_video_is_laid_over_its_video(tmp_path, fit):
    frames = np.zeros((9, 48, 64, 3), np.uint8)
    frames[:, 16:32, 24:48] = 255
    video = write_video(tmp_path / "video.mp4", frames)
    pose = write_video(tmp_path / "pose.mp4", frames[:, ::2, ::2])
    item = make_dataset([Clip(video, pose)], fit=fit, crop_scale=(0.6, 0.9))[1]
    difference = np.abs((item["pixel_values"] + 1) / 2 - item["pose_pixels"])
    assert difference.mean() < 0.03


def test_pose_frames_are_those_of_the_targets_at_the_stride(tmp_path):
    item = make_dataset([grey_clip(tmp_path, "a")])[2]
    targets = frame_numbers((item["pixel_values"] + 1) / 2)
    assert (np.diff(targets) == 2).all()
    np.testing.assert_array_equal(targets, frame_numbers(item["pose_pixels"]))


def test_a_run_of_frames_takes_the_largest_stride_that_fits():
    rng = np.random.default_rng(0)
    runs = [
        draw_frames(rng, 11, num_frames=4, in_order=True, frame_stride=4, sample_margin=0)
        for _ in range(200)
    ]
    assert {tuple(np.diff(targets)) for targets, _ in runs} == {(3, 3, 3)}
    assert {targets[0] for targets, _ in runs} == {0, 1}  # 11 frames, a run spans 10
    assert {reference for _, reference in runs} == set(range(11))


def test_reference_keeps_the_margin_where_the_clip_allows():
    rng = np.random.default_rng(0)
    draws = [
        draw_frames(rng, 10, num_frames=1, in_order=False, frame_stride=1, sample_margin=7)
        for _ in range(2000)
    ]
    distances = {target: set() for target in range(10)}
    for (target,), reference in draws:
        distances[target].add(abs(reference - target))
    assert distances[0] == distances[9] == {7, 8, 9}
    assert distances[5] == {5}  # as far as the clip allows
    assert distances[3] == {6}


def test_reference_of_a_one_frame_clip_is_that_frame():
    rng = np.random.default_rng(0)
    assert draw_frames(rng, 1, num_frames=1, in_order=False, frame_stride=1, sample_margin=30) == (
        [0],
        0,
    )


def test_without_margin_every_frame_is_an_equally_likely_reference():
    rng = np.random.default_rng(0)
    draws = [
        draw_frames(rng, 4, num_frames=1, in_order=False, frame_stride=1, sample_margin=0)[1]
        for _ in range(4000)
    ]
    np.testing.assert_allclose(np.bincount(draws) / 4000, 0.25, atol=0.03)


def test_references_are_dropped_per_sample_at_the_asked_rate(puppet_clips):
    dataset = make_dataset(puppet_clips, uncond_ratio=0.25, num_samples=4000)
    drops = np.array([dataset._draw((5, k, 0))["drop_reference"] for k in range(4000)])
    assert abs(drops.mean() - 0.25) < 0.03


def test_noise_has_unit_variance_plus_one_offset_per_channel(puppet_clips):
    plain = make_dataset(puppet_clips, noise_offset=0.0)[0]["noise"]
    offset = make_dataset(puppet_clips, noise_offset=0.5)[0]["noise"]
    shift = (offset - plain).reshape(4, -1)
    np.testing.assert_allclose(shift, np.repeat(shift[:, :1], shift.shape[1], 1), atol=1e-6)
    assert len(np.unique(shift[:, 0].round(4))) == 4
    assert abs(plain.std() - 1) < 0.15


def test_noise_of_item_k_does_not_depend_on_the_geometry(puppet_clips):
    first = make_dataset(puppet_clips)[2]
    second = make_dataset(
        puppet_clips, fit="pad", crop_scale=(0.5, 0.6), frame_stride=1, sample_margin=9
    )[2]
    assert (first["pixel_values"] != second["pixel_values"]).any()
    for name in ("noise", "timesteps", "posterior_noise", "drop_reference"):
        np.testing.assert_array_equal(first[name], second[name])


def test_frames_of_item_k_do_not_depend_on_the_noise_settings(puppet_clips):
    first = make_dataset(puppet_clips)[2]
    second = make_dataset(puppet_clips, noise_offset=0, uncond_ratio=1, num_train_timesteps=9)[2]
    for name in ("pixel_values", "pose_pixels", "reference_pixels"):
        np.testing.assert_array_equal(first[name], second[name])


def test_a_clip_gone_bad_is_named(tmp_path):
    clip = grey_clip(tmp_path, "a")
    cut_short(clip.pose, share=0.6)
    with pytest.raises(ClipError, match=r"pose/a\.mp4"):
        make_dataset([clip])[0]


def test_a_clip_shorter_than_the_run_is_refused(tmp_path):
    with pytest.raises(ClipError, match="has 3 frames, 4 are needed"):
        make_dataset([grey_clip(tmp_path, "a", num_frames=3)])[0]


def test_skip_bad_takes_the_next_clip_and_reports_once(tmp_path, caplog):
    clips = [grey_clip(tmp_path, name) for name in "ab"]
    clips[0].video.unlink()
    dataset = make_dataset(clips, skip_bad=True)
    with caplog.at_level(logging.WARNING):
        items = [dataset[k] for k in range(4)]
    assert all(item["pixel_values"].max() > -1 for item in items)
    assert list(dataset.bad_clips) == [clips[0]]
    assert len(caplog.records) == 1 and "a.mp4" in caplog.text


def test_what_an_item_holds_does_not_depend_on_what_failed_before(tmp_path):
    clips = [grey_clip(tmp_path, name, step=step) for name, step in (("a", 5), ("b", 10))]
    dataset, away = make_dataset(clips, skip_bad=True), tmp_path / "away.mp4"
    clips[0].video.rename(away)
    replaced = [dataset[k] for k in range(2)]
    away.rename(clips[0].video)
    assert list(dataset.bad_clips) == [clips[0]]
    fresh = make_dataset(clips, skip_bad=True)
    for k in range(2):
        assert_same_item(dataset[k], fresh[k])
    assert any((dataset[k]["pixel_values"] != replaced[k]["pixel_values"]).any() for k in range(2))


def test_skip_bad_tries_each_clip_once_an_item(tmp_path, monkeypatch):
    short, shorter = (grey_clip(tmp_path, f"{n}", num_frames=n) for n in (3, 2))
    dataset, tried = make_dataset([short, short, shorter, short], skip_bad=True), []
    read = dataset._read_clip
    monkeypatch.setattr(dataset, "_read_clip", lambda c, key: tried.append(c) or read(c, key))
    with pytest.raises(UserError, match="none of the 4 clips can be read"):
        dataset[0]
    assert len(tried) == 2 and set(tried) == {short, shorter}


def test_skip_bad_with_no_good_clip_is_an_error(tmp_path):
    dataset = make_dataset([grey_clip(tmp_path, "a", num_frames=3)], skip_bad=True)
    with pytest.raises(UserError, match="none of the 1 clips can be read"):
        dataset[0]


def test_sizes_that_latents_cannot_have_are_refused(puppet_clips):
    with pytest.raises(UserError, match=r"multiples of 8, got \[30, 24\]"):
        make_dataset(puppet_clips, size=(30, 24))


def test_the_stream_ends_after_num_samples(puppet_clips):
    dataset = make_dataset(puppet_clips, num_samples=2)
    assert len(dataset) == 2
    with pytest.raises(IndexError):
        dataset[2]


def test_clips_kept_in_memory_give_the_same_items(puppet_clips):
    settings = dict(fit="pad", num_samples=9)
    read, kept = (make_dataset(puppet_clips, cache_bytes=n, **settings) for n in (0, 2**30))
    for k in (0, 4, 8, 0):
        assert_same_item(read[k], kept[k])


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("cache_bytes", [0, 2**30])
def test_frames_show_the_moments_of_their_poses_where_groups_of_pictures_are_open(
    tmp_path, in_order, cache_bytes
):
    options = {"x264-params": "keyint=12:min-keyint=4:scenecut=0:open-gop=1:bframes=3:log=-1"}
    path = write_numbered(tmp_path / "a.mp4", "libx264", options)
    geometry = dict(fit="pad", size=(48, 128), cache_bytes=cache_bytes)
    dataset = make_dataset([Clip(path, path)], in_order=in_order, num_samples=20, **geometry)
    for item in map(dataset.__getitem__, range(20)):
        np.testing.assert_array_equal(item["pixel_values"], item["pose_pixels"] * 2 - 1)


def test_the_memory_for_clips_is_not_exceeded_and_the_latest_stay():
    cache, made = ClipCache(25), []

    def ask(clip):
        cache.get(clip, lambda: made.append(clip) or (np.zeros(10, np.uint8),))

    for clip in "abcacb":  # c drives a out, a drives b out, b drives a out
        ask(clip)
    assert made == ["a", "b", "c", "a", "b"]
    assert cache.bytes == 20


def test_what_is_cut_anew_every_time_is_not_kept(puppet_clips):
    with pytest.raises(UserError, match='fit "pad"'):
        make_dataset(puppet_clips, fit="crop", cache_bytes=1)


def test_single_frames_of_an_item_differ_and_are_as_far_from_the_reference():
    rng = np.random.default_rng(0)
    for _ in range(200):
        targets, reference = draw_frames(
            rng, 12, num_frames=4, in_order=False, frame_stride=1, sample_margin=3
        )
        assert len(set(targets)) == 4
        assert min(abs(t - reference) for t in targets) >= 3


def test_single_frames_have_timesteps_of_their_own_and_a_run_has_one(puppet_clips):
    single = [make_dataset(puppet_clips, in_order=False)[k]["timesteps"] for k in range(3)]
    runs = [make_dataset(puppet_clips)[k]["timesteps"] for k in range(3)]
    assert all(len(set(t)) > 1 for t in single)
    assert all(len(set(t)) == 1 for t in runs)

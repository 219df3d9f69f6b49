"""A running animation tells how far it is and what it will look like."""

import numpy as np
from PIL import Image

from aa.inference.watching import Watch, colours_of
from aa.runs.progress import PREVIEW, ProgressWriter, read_progress, seconds_left


def picture_and_latents(seed=0):
    """A picture whose colours are a linear map of its four latents."""
    rng = np.random.default_rng(seed)
    latents = rng.uniform(-1, 1, [4, 6, 5]).astype("float32")
    colours = rng.uniform(-0.1, 0.1, [3, 4]).astype("float32")
    small = np.einsum("rc,chw->rhw", colours, latents)
    return np.repeat(np.repeat(small, 8, axis=1), 8, axis=2), latents, colours


def test_the_map_to_colours_is_the_one_of_the_picture():
    pixels, latents, colours = picture_and_latents()
    found = colours_of(pixels, latents)
    np.testing.assert_allclose(found[:4].T, colours / 2, atol=1e-5)
    np.testing.assert_allclose(found[4], 0.5, atol=1e-5)


def test_a_preview_has_a_small_frame_for_each_of_the_video(tmp_path):
    pixels, latents, _ = picture_and_latents()
    watch = Watch(tmp_path, preview_every=2)
    watch.encoded(pixels, latents)
    video = np.stack([latents * share for share in (1, 0.5, -1)], axis=1)[None]

    class Tensor:
        def numpy(self):
            return video

    watch.step(1, Tensor)
    assert not (tmp_path / PREVIEW).exists()
    watch.step(2, Tensor)
    with Image.open(tmp_path / PREVIEW) as preview:
        assert (preview.size, preview.n_frames) == ((5, 6), 3)


def test_without_a_wish_there_is_no_preview(tmp_path):
    pixels, latents, _ = picture_and_latents()
    watch = Watch(tmp_path)
    watch.encoded(pixels, latents)
    watch.step(1, lambda: 1 / 0)
    assert not list(tmp_path.iterdir())


def test_the_time_that_is_left_follows_the_speed_of_the_phase(tmp_path):
    times = iter([100.0, 110.0])
    writer = ProgressWriter(tmp_path, clock=lambda: next(times))
    writer.begin("denoising", 8, case="ann_walk")
    assert seconds_left(read_progress(tmp_path)) is None
    writer.done(2)
    assert seconds_left(read_progress(tmp_path)) == 30.0


def test_a_folder_that_cannot_be_written_fails_nothing(tmp_path):
    ProgressWriter(tmp_path / "gone").begin("denoising", 8)
    assert read_progress(tmp_path / "gone") is None


def test_a_run_tells_its_progress_to_its_end(infer, home):
    infer("reference=ann.png", "pose=walk.mp4")
    progress = read_progress(home / "run")
    assert progress["case"] == "ann_walk"
    assert (progress["number"], progress["cases"]) == (1, 1)

"""inference.cache=deep: what is kept from step to step, of which frames, and what it changes."""

import numpy as np
import paddle
import pytest
from PIL import Image

from aa.inference import Pose2VideoPipeline
from aa.inference.deep_cache import DeepCache


def animate(model, count=3, **options):
    rng = np.random.default_rng(0)
    reference, *poses = (
        Image.fromarray(rng.integers(0, 256, [16, 16, 3], np.uint8)) for _ in range(count + 1)
    )
    options = {"num_inference_steps": 4, "context_frames": 4, "context_overlap": 1, **options}
    return Pose2VideoPipeline(model)(reference, poses, width=16, height=16, **options).videos


def given(cache, windows):
    """What deep features each window of a list is given, each computing its name and number."""
    found, counts = [], {}

    def visit(window):
        def run(deep):
            found.append(deep)
            counts[window] = counts.get(window, 0) + (deep is None)
            return [], deep or f"{window}{counts[window]}"

        cache.predict(paddle.to_tensor([ord(window), 0]), run)

    for window in windows:
        visit(window)
    return found


def test_features_are_computed_at_every_nth_step_and_reused_in_between():
    assert given(DeepCache(3), "aaaaaaa") == [None, "a1", "a1", None, "a2", "a2", None]


def test_a_window_is_never_given_the_features_of_other_frames():
    assert given(DeepCache(2), "abab" + "cb") == [None, None, "a1", "b1", None, None]


def test_features_are_let_go_when_no_step_reuses_them():
    cache = DeepCache(2)
    given(cache, "abab")
    assert not cache._kept


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_computed_at_every_step_they_change_nothing(tiny_model, guidance_scale):
    model, options = tiny_model(), {"count": 6, "guidance_scale": guidance_scale}
    cached = animate(model, cache="deep", cache_every=1, **options)
    np.testing.assert_allclose(cached, animate(model, **options), atol=1e-6)


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_a_reused_step_is_near_and_not_the_same(tiny_model, guidance_scale):
    model = tiny_model()
    whole, cached = (
        animate(model, guidance_scale=guidance_scale, cache=kind, cache_every=2)
        for kind in ("none", "deep")
    )
    assert 0 < np.abs(cached - whole).max() < 0.2


def test_a_model_with_learned_guidance_is_given_its_scale_at_every_step(tiny_model):
    model = tiny_model(guidance=True)
    whole, cached, weak = (
        animate(model, guidance_scale=scale, cache=kind, cache_every=1)
        for scale, kind in ((3.5, "none"), (3.5, "deep"), (1.5, "deep"))
    )
    np.testing.assert_allclose(cached, whole, atol=1e-6)
    assert np.abs(cached - weak).max() > 1e-5


@pytest.mark.parametrize(("every", "runs"), [(1, 5), (2, 3), (3, 2), (5, 1)])
def test_the_lower_levels_run_at_every_nth_of_the_steps(tiny_model, every, runs):
    model, ran = tiny_model(), []
    network = model.denoising_unet
    network.mid_block.resnets[0].register_forward_post_hook(lambda *_: ran.append("middle"))
    network.up_blocks[-1].resnets[0].register_forward_post_hook(lambda *_: ran.append("highest"))
    options = {"guidance_scale": 1.0, "num_inference_steps": 5}
    animate(model, cache="deep", cache_every=every, **options)
    assert (ran.count("middle"), ran.count("highest")) == (runs, 5)


def test_without_the_cache_no_features_are_returned(tiny_model, monkeypatch):
    model = tiny_model()
    monkeypatch.setattr(model, "denoise_cached", None)  # whatever calls it fails
    monkeypatch.setattr(model.denoising_unet, "predict_with_deep", None)
    assert animate(model, guidance_scale=3.5).shape == (1, 3, 3, 16, 16)

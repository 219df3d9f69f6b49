"""LPIPS and FVD: the real libraries where they are installed, with random weights."""

import importlib.util

import numpy as np
import pytest

from aa.errors import UserError
from aa.evaluation import learned

needs_torch = pytest.mark.skipif(
    any(importlib.util.find_spec(m) is None for m in ("torchvision", "torchmetrics", "cdfvd")),
    reason="the extra `metrics` is not installed",
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torch's."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def weights(cache):
    """Random weights of both networks."""
    import torch
    from cdfvd.third_party.i3d.pytorch_i3d import InceptionI3d
    from torchvision.models import alexnet

    torch.manual_seed(0)
    networks = {"lpips": alexnet(), "fvd": InceptionI3d(400, in_channels=3)}
    for name, network in networks.items():
        torch.save(network.state_dict(), cache / learned.WEIGHTS[name][0])


def noise(frames, *, seed, size=32):
    shape = [frames, size, size, 3]
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", ["lpips", "fvd"])
def test_a_missing_library_names_the_extra(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    line = learned.why_not(name)
    assert line.startswith("not installed: torch, ")
    assert line.endswith("install the extra `metrics`: pip install -e '.[metrics]'")


@needs_torch
@pytest.mark.parametrize(("name", "file"), [("lpips", "alexnet"), ("fvd", "i3d_pretrained_400.pt")])
def test_a_missing_weights_file_is_named_with_its_place(name, file, cache):
    assert learned.why_not(name).startswith(f"no file {cache}/{file}")
    learned.weights_file(name).touch()
    assert learned.why_not(name) is None


@needs_torch
@pytest.mark.slow
def test_lpips_is_0_for_equal_frames_and_a_frames_value_is_its_own(weights):
    ours, theirs = noise(3, seed=0), noise(3, seed=1)
    lpips = learned.Lpips()
    assert lpips.per_frame(ours, ours).tolist() == [0, 0, 0]
    together = lpips.per_frame(ours, theirs)
    alone = [lpips.per_frame(ours[i : i + 1], theirs[i : i + 1]) for i in range(3)]
    assert (together > 0).all()
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-4)


@needs_torch
@pytest.mark.slow
def test_fvd_is_0_for_equal_videos_and_else_their_frechet_distance(weights):
    same, other = learned.Fvd(), learned.Fvd()
    for seed in (0, 1):
        same.add(noise(16, seed=seed), noise(16, seed=seed))
        other.add(noise(16, seed=seed) // 4, noise(16, seed=seed))
    assert same.value() == pytest.approx(0, abs=1e-6)
    metric = other.metric
    (m1, s1), (m2, s2) = (s.get_mean_cov() for s in (metric.fake_stats, metric.real_stats))
    # of two samples each, both covariances have rank 1, and tr sqrt(s1 s2) = sqrt(tr s1 s2)
    spread = np.trace(s1) + np.trace(s2) - 2 * np.sqrt(np.trace(s1 @ s2))
    assert other.value() == pytest.approx(np.square(m1 - m2).sum() + spread, rel=1e-3)


@needs_torch
@pytest.mark.parametrize(("name", "make"), [("lpips", learned.Lpips), ("fvd", learned.Fvd)])
def test_a_weights_file_that_runs_code_is_refused_and_nothing_runs(name, make, cache, tmp_path):
    import torch

    torch.save({"a": Touch(tmp_path / "ran")}, learned.weights_file(name))
    with pytest.raises(UserError, match=r"cannot be read as .*; fetch it again\."):
        make()
    assert not (tmp_path / "ran").exists()


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)

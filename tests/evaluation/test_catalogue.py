"""What is measured: all that can be, or what was asked for."""

import pytest

from aa.config.evaluation import METRICS, ON_REQUEST
from aa.errors import UserError
from aa.evaluation import catalogue
from aa.evaluation.catalogue import CATALOGUE, choose


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """LPIPS and FVD could be computed."""
    monkeypatch.setattr(catalogue, "why_not", lambda name: None)


def clips(*, frames=32, height=64, width=64):
    return [{"clip": "a", "frames": frames, "height": height, "width": width}]


def refused(names, clips, masks=False):
    with pytest.raises(UserError) as caught:
        choose(names, clips, masks=masks)
    return str(caught.value)


def test_every_name_of_the_config_is_in_the_catalogue():
    assert set(CATALOGUE) == {*METRICS, *ON_REQUEST}


def test_all_that_can_be_computed_is(monkeypatch):
    names, left_out = choose(None, clips(), masks=True)
    assert names == list(METRICS)
    assert left_out == {}


def test_the_published_psnr_is_computed_on_request_only():
    assert "psnr_uint8_overflow" not in choose(None, clips(), masks=True)[0]
    assert choose(["psnr_uint8_overflow"], clips(), masks=False)[0] == ["psnr_uint8_overflow"]


def test_what_cannot_be_computed_is_left_out_with_its_reason():
    names, left_out = choose(None, clips(frames=1, width=6), masks=False)
    assert names == ["psnr"]
    assert left_out["ssim"] == "a is smaller than 7x7 pixels"
    assert left_out["lpips"] == "a is smaller than 31x31 pixels"
    assert left_out["fvd"].startswith("needs 2 samples of 16 frames in a row at the least, there")
    assert left_out["temporal_error"] == "a has a single frame"
    assert left_out["psnr_figure"].startswith("needs masks=<folder")


def test_what_was_asked_for_and_cannot_be_computed_is_an_error(monkeypatch):
    line = refused(["psnr", "temporal_error"], clips(frames=1))
    assert line == "metrics: temporal_error cannot be computed: a has a single frame."
    monkeypatch.setattr(catalogue, "why_not", lambda name: "not installed: torch")
    assert refused(["lpips"], clips()) == "metrics: lpips cannot be computed: not installed: torch."

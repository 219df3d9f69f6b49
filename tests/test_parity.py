"""The numbers of the torch implementation, of a small random model in `tests/fixtures/case1`.

What `python tests/parity.py CASE_DIR` compares, from the released weights files (layout 1).
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

from aa.weights.convert import convert
from tests.parity import Case

CASE = Path(__file__).parent / "fixtures" / "case1"
RELEASED = CASE / "pretrained_weights"


@pytest.fixture(scope="module")
def case():
    return Case(CASE, RELEASED)


@pytest.fixture(scope="module")
def model(case):
    return case.model(motion_modules=True)


def assert_equal(case, quantities):
    """So many were compared since the last call, and none is further off than it may be."""
    compared, case.errors = case.errors, []
    assert len(compared) == quantities
    assert not [f"{name}: {error} > {most}" for name, error, most in compared if error > most]


def test_the_networks_give_the_published_outputs(case, model):
    case.outputs(model)
    assert_equal(case, 6)


def test_pictures_become_the_published_embeddings_and_latents(case, model):
    case.images(model)
    assert_equal(case, 2)


def test_videos_with_and_without_guidance_are_the_published_ones(case, model):
    case.videos(model)
    assert_equal(case, 2)


def test_loss_and_gradients_of_stage_1_are_the_published_ones(case):
    case.gradients_of_stage_1()
    assert_equal(case, 26)


def test_loss_and_gradients_of_stage_2_are_the_published_ones(case):
    case.gradients_of_stage_2(case.model(motion_modules=True))
    assert_equal(case, 14)


def test_our_own_layout_gives_the_same_outputs(tmp_path):
    convert(RELEASED, tmp_path / "own")
    own = Case(CASE, tmp_path / "own")
    own.outputs(own.model(motion_modules=True))
    assert_equal(own, 6)


@pytest.mark.slow
def test_videos_of_the_engines_are_the_published_ones(case, model):
    case.compiled_videos(model)
    assert_equal(case, 2 * (1 + bool(find_spec("onnxruntime"))))

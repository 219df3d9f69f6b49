"""The figure of the first screen: asked in poses, answered in pictures."""

import base64
import io

import pytest
from PIL import Image

from aa.app.figure import Figure
from aa.demo.example import EXAMPLE
from aa.errors import UserError
from tests.commands import ROOT


def test_without_the_example_the_first_screen_has_no_figure(page):
    assert "Drag a joint" not in page.text("/")
    with pytest.raises(UserError, match="is not here"):
        page.desk.figure.animate([[0.5, 0.5]] * 18, 4)


def test_a_skeleton_is_a_motion_of_eighteen_joints(page):
    found = page.get("/api/skeleton").json
    assert len(found["names"]) == 18 and len(found["limbs"]) == 17
    assert all(len(frame) == 18 for frame in found["frames"])
    assert all(-0.1 < x < 1.1 and 0 < y < 1 for x, y in found["frames"][0])


@pytest.mark.slow
def test_the_process_answers_poses_with_pictures_until_it_is_ended(page):
    figure = Figure(ROOT / EXAMPLE)
    poses = page.get("/api/skeleton").json["frames"]
    seen = []
    for frame in (0, 20):
        answer = figure.animate(poses[frame], 2)
        picture = Image.open(io.BytesIO(base64.b64decode(answer["png"])))
        assert picture.size == (64, 64) and answer["ms"] > 0
        seen.append(picture.tobytes())
    assert seen[0] != seen[1]
    process = figure._process
    figure.end()
    assert process.poll() is not None
    assert len(figure.animate(poses[0], 1)["png"]) > 100  # it is started again
    figure.end()

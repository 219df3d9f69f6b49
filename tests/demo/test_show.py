"""The demo shows each command before it starts, and its page says what came of them."""

import json
import re
from types import SimpleNamespace

import pytest

from aa.demo import show
from aa.demo.page import CLIP, write_page
from aa.errors import UserError

SCORE = {"mean": 30.0, "interval_95": None, "count": 64}
SCORES = {"pairs": {"generated": {"psnr": SCORE}, "baselines": {"copy": {"psnr": SCORE}}}}


def part(title, seconds):
    return SimpleNamespace(title=title, seconds=seconds)


@pytest.fixture
def folder(tmp_path):
    """A demo whose first video is made, with the example's scores beside it."""
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "scores.json").write_text(json.dumps(SCORES))
    (tmp_path / "demo" / "first").mkdir(parents=True)
    (tmp_path / "demo" / "first" / CLIP).touch()
    return tmp_path / "demo"


@pytest.fixture
def learn(folder):
    """Function () that leaves what a training of both stages does."""
    learned = folder / "learned"

    def run():
        for name in ("quality.png", "loss.png", "pairs-1.png"):
            (learned / "report").mkdir(parents=True, exist_ok=True)
            (learned / "report" / name).touch()
        (learned / "report.html").touch()
        for stage in ("stage1", "stage2"):
            (learned / stage).mkdir()
            record = {"step": 9, "training_minutes": 1.5}
            (learned / stage / "metrics.jsonl").write_text(json.dumps(record) + "\n")
        sample = learned / "stage1" / "samples" / "step-000045"
        sample.mkdir(parents=True)
        (sample / "reference_pose_result_truth.mp4").touch()

    return run


def written(folder, parts=()):
    page = write_page(folder, parts, example=folder.parent / "example")
    return page.read_text()


def test_after_the_first_video_the_page_shows_it_and_says_that_training_goes_on(folder):
    text = written(folder)
    assert 'src="first/reference_pose_result_truth.mp4"' in text
    assert "load this page again" in text


def test_every_file_that_the_page_shows_is_beside_it(folder, learn):
    learn()
    shown = re.findall(r'(?:src|href)="([^"]+)"', written(folder))
    assert "learned/stage1/samples/step-000045/reference_pose_result_truth.mp4" in shown
    assert all((folder / name).is_file() for name in shown)


def test_the_page_says_how_long_each_part_took_and_all_together(folder, learn):
    learn()
    text = written(folder, [part("setting up", 100), part("training", 200)])
    cells = re.findall(r"<td>([^<]*)</td><td>([\d.]+ [^<]*)</td>", text)
    assert cells == [
        ("setting up", "1 min 40 s"),
        ("training", "3 min 20 s"),
        ("of that, steps of stage1", "1 min 30 s"),
        ("of that, steps of stage2", "1 min 30 s"),
        ("together", "5 min 00 s"),
    ]


def test_a_part_that_fails_ends_the_demo_with_its_exit_code(tmp_path, monkeypatch, capfd):
    ends = show.Part("a part", ["-c", "import sys; sys.exit(3)"])
    monkeypatch.setattr(show, "_parts", lambda folder: [ends])
    assert show.run_demo(tmp_path / "demo", setup_seconds=0) == 3
    out, errors = capfd.readouterr()
    assert "a part\n$ python -c 'import sys; sys.exit(3)'\n" in out
    assert errors.strip() == "the demo ends here: exit code 3"


def test_outside_a_checkout_it_says_where_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="the demo runs in the folder of a checkout"):
        show.run_demo(tmp_path / "demo", setup_seconds=0)


def test_a_demo_writes_into_no_folder_that_is_there(tmp_path):
    with pytest.raises(UserError, match="exists already; give a new folder"):
        show.run_demo(tmp_path, setup_seconds=0)

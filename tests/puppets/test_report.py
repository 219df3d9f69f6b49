import json
import re

import numpy as np
import pytest
from PIL import Image

from aa.data.video import VideoReader
from aa.puppets.evaluation import evaluate
from aa.puppets.pictures import COLUMNS, ENLARGED, GAP, TITLE, as_uint8, grid, pair_grids
from aa.puppets.report import write_report
from aa.puppets.report_tables import number
from aa.puppets.scenes import Protocol


@pytest.fixture(scope="module")
def outcome():
    protocol = Protocol(
        seed=3,
        height=16,
        width=16,
        scale=1,
        fps=8,
        num_frames=8,
        num_train_clips=2,
        num_pairs=8,
        num_clips=2,
        clip_frames=3,
    )

    def copy(references, poses, seeds, reference_poses):
        return np.repeat(references[:, None] / np.float32(255), poses.shape[1], axis=1)

    return evaluate(copy, protocol, progress=False)


@pytest.fixture(scope="module")
def page(outcome, tmp_path_factory):
    steps = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": None}, {"step": 3, "loss": 0.2}]
    return write_report(
        tmp_path_factory.mktemp("run"),
        outcome,
        title="Figures <small>",
        losses={"stage 1": steps, "stage 2": steps[2:]},
        quality=[{"minutes": m, "psnr": 20 + m, "psnr_figure": 14 + m} for m in (1, 2)],
        baseline={"psnr": 20.5, "psnr_figure": 14.5},
        command="python runners/train.py +experiment=puppets name='a & b'",
        values={"stage.max_steps": 3},
    )


def test_the_page_needs_nothing_but_the_files_beside_it(page):
    text = page.read_text()
    files = set(re.findall(r'(?:src|href)="([^"]+)"', text))
    assert {"report/pairs-1.png", "report/swaps.png", "report/clips.mp4"} < files
    assert all((page.parent / name).is_file() for name in files)
    assert "//" not in text.replace("<!--", "")


def test_the_page_tells_the_scores_and_how_to_repeat_them(page, outcome):
    text = page.read_text()
    for scores in outcome.scores["pairs"]["baselines"].values():
        assert number(scores["psnr"], 2) in text
    assert number(outcome.scores["clips"]["frozen"]["temporal_error"], 2) in text
    assert number(outcome.scores["swaps"]["parts"]["shirt"]["error"], 1) in text
    assert "name=&#x27;a &amp; b&#x27;" in text
    assert "Figures &lt;small&gt;" in text
    assert "<td>stage.max_steps</td><td>3</td>" in text
    assert json.loads((page.parent / "scores.json").read_text()) == outcome.scores


def test_the_video_shows_every_moment_of_the_clips(page):
    reader = VideoReader(page.parent / "report/clips.mp4")
    assert (reader.num_frames, reader.fps) == (3, 8)
    assert reader.width == len(COLUMNS) * (16 * ENLARGED + GAP) + GAP


def test_pairs_are_shown_six_to_a_picture(page, outcome):
    sheets = pair_grids(outcome)
    assert [len(sheet) for sheet in sheets] == [
        TITLE + rows * (16 * ENLARGED + GAP) for rows in (6, 2)
    ]
    assert np.asarray(Image.open(page.parent / "report/pairs-2.png")).shape == sheets[1].shape


def test_a_grid_enlarges_each_pixel_to_a_square():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[1, 2] = 200
    sheet = grid([[picture, picture]], titles=("a", "b"))
    top, left = TITLE + 1 * ENLARGED, GAP + 2 * ENLARGED
    assert (sheet[top : top + ENLARGED, left : left + ENLARGED] == 200).all()
    assert (sheet[TITLE : TITLE + 4 * ENLARGED, GAP : GAP + 4 * ENLARGED] == 200).sum() == 27


def test_frames_in_unit_range_are_rounded():
    frame = np.full((1, 1, 3), 0.999, np.float32)
    assert as_uint8(frame).tolist() == [[[255, 255, 255]]]


def test_a_score_without_figures_is_a_dash():
    assert number({"mean": None, "interval_95": None, "count": 0}, 2) == "&ndash;"
    assert number({"mean": 1.0, "interval_95": None, "count": 1}, 2) == "1.00"
    assert number({"mean": 1.0, "interval_95": [0.5, 1.5], "count": 9}, 1) == "1.0 &plusmn; 0.5"

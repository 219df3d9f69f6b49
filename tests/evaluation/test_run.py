"""A whole evaluation, in a process where importing paddle is an error."""

import csv
import json
import sys

import pytest

from tests.commands import one_line, run_light

FOLDERS = ["generated=g", "truth=t"]


@pytest.fixture
def evaluate(tmp_path):
    """Function (arguments) -> the finished process of the runner, in tmp_path."""
    return lambda *arguments: run_light(tmp_path, "evaluate", *arguments)


@pytest.fixture
def videos(write):
    """Two clips whose frames are 10 and 20 of 255 too bright."""
    write("t/a.mp4", [50, 60, 70])
    write("g/a.mp4", [60, 70, 80])
    write("t/b.mp4", [50, 50])
    write("g/b.mp4", [70, 70])


def test_folders_are_measured_into_a_run_folder(evaluate, videos, tmp_path):
    result = evaluate(*FOLDERS, "metrics=[psnr,ssim,temporal_error]", "hydra.run.dir=run")
    assert (result.returncode, result.stderr) == (0, "")
    record = json.loads((tmp_path / "run/metrics.json").read_text())
    assert (record["num_clips"], record["num_frames"], record["data_range"]) == (2, 5, 1.0)
    assert [clip["clip"] for clip in record["clips"]] == ["a", "b"]
    # 20 log10(255 / 10) = 28.1 and 20 log10(255 / 20) = 22.1, within what H.264 changes
    assert [c["psnr"] for c in record["clips"]] == pytest.approx([28.13, 22.11], abs=0.8)
    psnr = record["metrics"]["psnr"]
    assert psnr["mean"] == pytest.approx(sum(c["psnr"] for c in record["clips"]) / 2)
    low, high = psnr["interval_95"]
    assert low < psnr["mean"] < high
    assert record["metrics"]["temporal_error"]["mean"] < 2
    assert f"psnr                  {psnr['mean']:10.4f} +- " in result.stdout
    assert (tmp_path / "run/evaluate.log").exists()


def test_what_was_read_and_each_clips_values_are_kept(evaluate, videos, tmp_path):
    evaluate(*FOLDERS, "metrics=[psnr]", "hydra.run.dir=run")
    snapshot = json.loads((tmp_path / "run/snapshot.json").read_text())
    assert sorted(snapshot["data"]["files"]) == ["g/a.mp4", "g/b.mp4", "t/a.mp4", "t/b.mp4"]
    with open(tmp_path / "run/metrics.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["clip"], first["frames"], second["clip"]) == ("a", "3", "b")
    assert float(first["psnr"]) > float(second["psnr"])


def test_one_pair_of_files_has_no_interval_and_tells_what_is_left_out(evaluate, videos, tmp_path):
    result = evaluate("generated=g/a.mp4", "truth=t/a.mp4", "hydra.run.dir=run")
    assert result.returncode == 0
    record = json.loads((tmp_path / "run/metrics.json").read_text())
    assert record["metrics"]["psnr"]["interval_95"] is None
    assert record["left_out"]["fvd"].startswith("needs 2 samples of 16 frames")
    assert "psnr_figure is left out: needs masks=" in (tmp_path / "run/evaluate.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "generated must be given: add generated=<value> (a folder of videos, "),
        (["generated=g", "truth=none"], "truth=none: no such folder or video; check the path."),
        ([*FOLDERS, "metric=[psnr]"], "metric: no such key; did you mean metrics?"),
        ([*FOLDERS, "metrics=[fvd]"], "metrics: fvd cannot be computed: needs 2 samples of 16 "),
        (["generated=g", "truth=."], "truth=.: holds no video; wanted files ending in .mp4"),
    ],
)
def test_a_mistake_is_one_line(arguments, line, evaluate, videos):
    assert one_line(evaluate(*arguments)).startswith(line)


def test_clips_that_do_not_fit_are_one_line_before_anything_is_measured(
    evaluate, videos, write, tmp_path
):
    write("t/a.mp4", [50, 60])
    line = one_line(evaluate(*FOLDERS, "hydra.run.dir=run"))
    assert line.startswith("1 of 2 pairs cannot be measured: g/a.mp4 has 3 frames, t/a.mp4 2;")
    assert not (tmp_path / "run/snapshot.json").exists()


def told(folder):
    """An override that keeps what is told in the file `told`."""
    keep = "import sys; open('told', 'a').write(sys.stdin.read() + '\\n')"
    (folder / "keep.py").write_text(keep)
    return f"alerts.command=[{sys.executable},{folder}/keep.py]"


def test_the_end_of_a_run_is_told_with_its_score_or_its_error(evaluate, videos, tmp_path):
    command = told(tmp_path)
    assert evaluate(*FOLDERS, "metrics=[psnr]", command, "hydra.run.dir=run").returncode == 0
    line = one_line(evaluate("generated=g", "truth=nothing", command, "hydra.run.dir=bad"))
    good, bad = map(json.loads, (tmp_path / "told").read_text().splitlines())
    assert (good["event"], good["folder"]) == ("finished", str(tmp_path / "run"))
    assert good["eval/psnr"] == pytest.approx(25, abs=1) and ", eval/psnr 2" in good["text"]
    assert (bad["event"], bad["text"].endswith(line)) == ("failed", True)


def test_who_cannot_be_told_fails_no_run(evaluate, videos):
    result = evaluate(*FOLDERS, "metrics=[psnr]", "alerts.command=[no-such-program]")
    assert (result.returncode, result.stderr) == (0, "")
    assert "alerts.command: nobody was told (no-such-program: No such file" in result.stdout

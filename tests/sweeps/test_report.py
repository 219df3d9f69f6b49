"""The page of a sweep and the files beside it, and the runner that writes them."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aa.data.video import VideoWriter
from aa.errors import UserError
from aa.reports import samples
from aa.reports.report import write_report
from aa.reports.results import collect
from tests.sweeps.conftest import outcome, read

ROOT = Path(__file__).parents[2]
NASTY = "<b>$x_1$ & 'y'"
TWO = [({"rate": 0.1, "kind": NASTY}, 0.5, "done"), ({"rate": 2, "kind": "plain"}, 0.25, "failed")]


@pytest.fixture
def page(make_sweep):
    """Function (jobs, what `sweep.json` says) -> the text of the page."""

    def write(jobs=TWO, **about):
        return write_report([make_sweep(jobs, **about)]).read_text()

    return write


@pytest.fixture
def add_sample():
    """Function (run folder, step, size of the video) that writes a sample of two frames."""

    def add(run, step, *, side=16):
        path = run / f"samples/step-{step:06d}/reference_pose_result_truth.mp4"
        path.parent.mkdir(parents=True)
        with VideoWriter(path, fps=8, height=side, width=side) as writer:
            writer.write(np.zeros((2, side, side, 3), np.uint8))
        return path

    return add


def test_the_page_needs_no_other_file_and_no_network(page):
    text = page()
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert set(re.findall(r"https?://[\w.]+", text)) <= {
        "http://www.w3.org"
    }  # names, not addresses


def test_names_are_shown_as_they_are(page):
    text = page(name=NASTY)
    assert "<b>" not in text
    assert "kind is &lt;b&gt;$x_1$ &amp; &#x27;y&#x27;, plain" in text


def test_the_page_tells_the_command_the_states_and_the_failures(page):
    text = page()
    assert "<pre>python runners/train.py -m</pre>" in text
    assert "2 jobs: 1 failed, 1 done." in text
    assert "<h3>Job 1 failed</h3>\n<p>the loss is no number</p>" in text


def test_the_best_row_comes_first_and_the_best_finished_one_is_marked(page):
    rows = re.findall(r"<tr( class=ours)?><td data-v=\"(\d)\">", page())
    assert rows == [("", "1"), (" class=ours", "0")]


def test_a_sweep_that_is_not_over_says_so(page):
    assert "Jobs are still to come: this is how it stood at" in page([({"a": 1}, None, "waiting")])


def test_trials_are_plotted_for_optuna_alone(page):
    assert "val/loss by trial" in page(sweeper="optuna")


def test_many_jobs_are_coloured_by_rank_without_a_list(page):
    text = page([({"a": n}, 1 + n, "done") for n in range(13)])
    assert 'class="ramp"' in text and "<span><i" not in text


def test_the_records_beside_the_page_hold_the_same_numbers(make_sweep):
    folder = write_report([make_sweep(TWO)]).parent
    jobs = read(folder / "report.json")["jobs"]
    with open(folder / "report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [job["metrics"]["val/loss"]["value"] for job in jobs] == [0.25, 0.5]
    assert [(r["job"], r["val/loss"], r["step of val/loss"], r["kind"]) for r in rows] == [
        ("1", "0.25", "4", "plain"),
        ("0", "0.5", "4", NASTY),
    ]


def test_the_page_and_its_records_tell_time_and_work(make_sweep):
    folder = make_sweep([({"rate": rate}, 0.5, "done") for rate in (1, 2)])
    line = {"step": 1000, "loss": 1.0, "seconds_per_step": 0.5, "training_minutes": 45.0}
    line |= {"samples_per_second": 4.0, "frames_per_second": 32.0}
    for number in (0, 1):
        (folder / f"{number}_job/metrics.jsonl").write_text(json.dumps(line) + "\n")
    text = write_report([folder]).read_text()
    table = text.partition("<h2>Time and work</h2>")[2].partition("</table>")[0]
    rows = [re.findall(r">([^<>]+)</td>", row) for row in table.split("<tr>")[2:]]
    assert rows == [
        ["done", "2", "2,000", "4,000", "32,000", "2 min 10 s", "1 h 30 min"],
        ["done, on average", "&ndash;", "1,000", "2,000", "16,000", "1 min 05 s", "45 min 00 s"],
    ]
    with open(folder / "report.csv", newline="") as file:
        assert [row["frames"] for row in csv.DictReader(file)] == ["16000", "16000"]
    (total,) = read(folder / "report.json")["totals"]
    assert total["work"] == {"steps": 2000, "items": 4000, "frames": 32000, "seconds": 5400.0}


def test_the_report_of_a_run_itself_is_never_overwritten(make_run):
    run = make_run("run", snapshot={})
    with pytest.raises(UserError, match="is a run's folder"):
        write_report([run], output=run)


def test_samples_are_of_the_last_step_that_all_finished_jobs_have(make_sweep, add_sample):
    folder = make_sweep([({}, 0.1, "done"), ({}, 0.2, "done"), ({}, 0.3, "failed")])
    for number, steps in enumerate([(10, 20), (10, 20, 30), (10,)]):
        for step in steps:
            add_sample(folder / f"{number}_job", step)
    step, files = samples.samples(collect([folder]))
    assert (step, sorted(files)) == ("20 steps", [0, 1])


def test_small_videos_are_put_in_whole_and_others_as_frames(tmp_path, add_sample):
    path = add_sample(tmp_path, 10)
    size = path.stat().st_size
    assert 'src="data:video/mp4;base64,' in samples.Store(room=size).embed(path)
    assert 'src="data:image/jpeg;base64,' in samples.Store(room=size - 1).embed(path)


def test_a_damaged_sample_is_named_and_the_page_goes_on(make_sweep):
    folder = make_sweep([({}, 0.1, "done")])
    home = folder / "0_job/samples/step-000010"
    home.mkdir(parents=True)
    (home / "clip.avi").write_bytes(b"no video")
    assert "clip.avi cannot be shown" in samples.gallery(collect([folder]))


def test_a_sample_behind_a_link_is_named_and_not_shown(make_sweep, add_sample, tmp_path):
    folder = make_sweep([({}, 0.1, "done")])
    outside = add_sample(tmp_path / "mine", 10)
    (folder / "0_job" / "samples").symlink_to(outside.parents[1])
    page = samples.gallery(collect([folder]))
    assert "data:video" not in page and f"samples: is a link to {outside.parents[1]}" in page


def test_a_pipe_among_the_samples_is_not_waited_for(make_sweep):
    folder = make_sweep([({}, 0.1, "done")])
    home = folder / "0_job/samples/step-000010"
    home.mkdir(parents=True)
    os.mkfifo(home / "clip.png")
    assert "clip.png cannot be shown: it is no file" in samples.gallery(collect([folder]))


def test_a_picture_far_larger_than_its_file_is_not_shown(make_sweep):
    folder = make_sweep([({}, 0.1, "done")])
    home = folder / "0_job/samples/step-000010/clip"
    home.mkdir(parents=True)
    Image.new("1", (13_000, 13_000)).save(home / "00000.png")
    assert "clip cannot be shown" in samples.gallery(collect([folder]))


def test_a_metric_that_is_none_is_named_and_left_out(make_sweep):
    folder = make_sweep(TWO, metric="foo", direction=None)
    assert "foo is no metric; left out" in write_report([folder]).read_text()


def test_damaged_files_are_named_and_the_other_jobs_shown(make_sweep):
    folder = make_sweep(TWO)
    (folder / "0_job" / "job.json").write_text("[" * 5000)
    text = write_report([folder]).read_text()
    assert "<h2>Damaged files</h2>" in text and "0_job/job.json: cannot be read as what" in text
    assert "2 jobs: 1 failed, 1 done." in text


def test_samples_that_are_folders_of_pictures_become_a_strip(make_sweep):
    folder = make_sweep([({}, 0.1, "done")])
    home = folder / "0_job/samples/step-000010/clip"
    home.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(home / "00000.png")
    assert 'src="data:image/jpeg' in samples.gallery(collect([folder]))


def test_the_videos_of_inference_runs_are_shown(make_run, add_sample):
    run = make_run("run", snapshot={}, outcome=outcome("done"))
    add_sample(run, 1).rename(run / "dance.mp4")
    (run / "samples/step-000001").rmdir()
    (run / "summary.json").write_text('{"videos": [{"video": "elsewhere/dance.mp4"}]}')
    assert "data:video/mp4" in samples.gallery(collect([run]))


def run_report(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "runners/report.py", *arguments], capture_output=True, text=True
    )


def test_the_runner_says_where_the_page_is(make_sweep):
    folder = make_sweep(TWO)
    assert run_report(folder).stdout == f"report: {folder / 'report.html'}\n"


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    done = run_report(tmp_path / "none")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_no_report_needs_paddle():
    code = (
        "import sys, aa.reports.report; print([m for m in ('paddle', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_a_swept_number_without_a_place_on_an_axis_is_a_word(make_sweep, value):
    folder = make_sweep([({"a": value}, 0.1, "done"), ({"a": 1.0}, 0.2, "done")])
    assert "val/loss against a" in write_report([folder]).read_text()

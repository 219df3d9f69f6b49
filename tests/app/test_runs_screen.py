"""Runs are listed, found, noted, watched and asked."""

import json

from aa.runs.notes import read_notes
from tests.runs.folders import make_run, make_sweep, written


def test_without_runs_the_screen_says_where_they_come_from(page):
    assert "No run yet." in page.text("/runs")


def test_a_run_is_a_row_with_its_state_its_step_and_its_metric(page, training):
    text = page.text("/runs")
    assert '<a href="/run/first">first</a>' in text
    assert '<span class="state done">done</span>' in text
    assert "3/3" in text and "val/loss" in text


def test_a_search_has_the_filters_of_the_command_and_words(page, home, training):
    make_run(home / "outputs" / "second", ends="failed", stage={"learning_rate": 1e-5})
    rows = page.text("/runs?part=1&find=state%3Dfailed")
    assert "second" in rows and "first" not in rows
    rows = page.text("/runs?part=1&find=FIRST")
    assert "first" in rows and "second" not in rows
    assert "no such key" in page.text("/runs?part=1&find=sigh%3D1")


def test_a_sort_shows_its_metric(page, home, training):
    make_run(home / "outputs" / "best", lines=[{"step": 1, "loss": 0.1, "val/loss": 0.1}])
    rows = page.text("/runs?part=1&find=sort%3Dval/loss")
    assert rows.index("/run/best") < rows.index("/run/first")
    assert '<th class="number">val/loss</th>' in rows


def test_pages_of_a_long_list_are_linked(page, home):
    for number in range(53):
        make_run(home / "outputs" / f"run-{number}")
    assert "1 to 50 of 53" in page.text("/runs")
    assert "51 to 53 of 53" in page.text("/runs?first=50")


def test_a_note_tags_and_a_star_are_kept_in_the_run(page, training):
    values = {"run": "first", "note": "good <i>rates</i>", "tags": "paper, old", "had": ""}
    assert page.post("/api/note", values).status_code == 200
    assert page.post("/api/note", {"run": "first", "star": True}).status_code == 200
    page.post("/api/note", {"run": "first", "tags": "paper", "had": "paper old"})
    notes = {"note": "good <i>rates</i>", "tags": ["paper"], "star": True}
    assert read_notes(training) == notes
    assert "good &lt;i&gt;rates&lt;/i&gt;" in page.text("/runs")


def test_the_screen_of_a_run_has_curves_samples_log_and_config(page, training):
    text = page.text("/run/first")
    assert text.count("<polyline") == 2
    assert "step-000002/reference_pose_result_truth.png" in text
    assert "it learns &lt;b&gt;well&lt;/b&gt;" in text
    assert "stage.learning_rate" in text
    assert "rerun=outputs/first" in text


def test_only_a_training_that_runs_is_asked(page, training):
    assert "Save now" not in page.text("/run/first")
    answer = page.post("/api/ask", {"run": "first", "ask": ["sample"]})
    assert answer.status_code == 400 and "is not running" in answer.json["error"]
    with written(training):
        assert "Save now" in page.text("/run/first?part=1")
        assert page.post("/api/ask", {"run": "first", "ask": ["sample"]}).status_code == 200
    assert json.loads((training / "request.json").read_text()) == {"ask": ["sample"]}


def test_a_report_is_shown_in_a_sandbox(page, training):
    (training / "report.html").write_text("<script>alert(1)</script>")
    assert '<iframe sandbox="allow-scripts"' in page.text("/run/first")
    framed = {"Sec-Fetch-Dest": "iframe"}
    answer = page.get("/report?path=outputs/first/report.html", **framed)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")


def test_runs_are_compared_what_differs_first(page, home, training):
    other = {"stage": {"max_steps": 3, "learning_rate": 1e-5}}
    make_run(home / "outputs" / "second", lines=[{"step": 1, "loss": 0.5}], **other)
    text = page.text("/compare?run=first&run=second")
    assert "1 of 2 differ" in text
    assert text.index("stage.learning_rate") < text.index("stage.max_steps")
    assert text.count("<polyline") == 3  # both losses, one val/loss
    assert "none at this step" in text


def test_the_best_score_of_a_comparison_is_marked(page, home, training):
    make_run(home / "outputs" / "second", lines=[{"step": 1, "loss": 0.1}])
    assert '<td class="best">0.1</td>' in page.text("/compare?run=first&run=second")


def test_of_many_jobs_the_first_are_compared_and_the_rest_counted(page, home):
    make_sweep(home / "outputs" / "many", jobs=8)
    assert "The first 6; 2 more" in page.text("/compare?sweep=many")


def test_the_jobs_of_a_sweep_are_compared_beside_its_report(page, home):
    sweep = make_sweep(home / "outputs" / "many", jobs=3)
    assert "/compare?sweep=many" in page.text("/runs")
    text = page.text("/compare?sweep=many")
    assert "0_job" in text and "report.py outputs/many" in text
    (sweep / "report.html").write_text("a report")
    assert "Report of the sweep" in page.text("/compare?sweep=many")

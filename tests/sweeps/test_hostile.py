"""A sweep whose files are somebody else's: what they say is shown, and steers nothing."""

import csv
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from aa.cli.sweeps import finish
from aa.plain import printable
from aa.reports import plots
from aa.reports.report import write_report
from aa.runs.words import last_lines
from aa.sweeps.watch import describe

MARKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'",
    "&",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "[red]x[/red]",
    "$x$ $",
    "=1+1",
    "\u202e\u200b",
    "</svg></style><svg onload=alert(1)>",
)
WORD = "".join(MARKS)
NAME = WORD.replace("/", "")  # of a file


class Tags(HTMLParser):
    """(element, names of its attributes) of all elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))


@pytest.fixture
def write(make_sweep):
    """Function (word) -> the folder of a sweep's report in which every text is that word.

    With `plotted` the metric is a known one, so that there are plots.
    """

    def run(word, *, plotted=True):
        sweep = make_sweep(
            [({f"a.{word}": f"{n}{word}", "b": n}, n, s) for n, s in enumerate(("done", "failed"))],
            command=word,
            metric="val/loss" if plotted else f"val/{word}",
            direction="min",
            sweeper="optuna" if plotted else word,
            runner=f"/x/{word.replace('/', '')}.py",
        )
        for job in sorted(sweep.glob("*_job")):
            said = {"state": f"failed{word}", "error": word, "code": 2, "seconds": 1.0}
            (job / "outcome.json").write_text(json.dumps(said))
            (job / "output.log").write_text(f"{word}\nerror: {word}\n")
            lines = [{"step": n, "loss": n, "val/loss": n, f"val/{word}": n} for n in (1, 2)]
            (job / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            name = word.replace("/", "")
            (job / "summary.json").write_text(json.dumps({"videos": [{"video": f"{name}.mp4"}]}))
            (job / f"{name}.mp4").write_bytes(b"no video")
            sample = job / f"samples/step-{name}"
            sample.mkdir(parents=True)
            (sample / f"{name}.png").write_bytes(b"no picture")
            job.rename(job.with_name(f"{job.name[0]}_{name}"))
        failed = next(sweep.glob("1_*")) / "outcome.json"
        failed.write_text(failed.read_text().replace(json.dumps(f"failed{word}"), '"failed"'))
        return write_report([sweep]).parent

    return run


@pytest.fixture
def hostile(write):
    return write(WORD)


@pytest.mark.parametrize("plotted", [True, False])
def test_no_text_of_a_sweep_adds_an_element_or_an_attribute(write, tmp_path, plotted):
    hostile = Tags((write(WORD, plotted=plotted) / "report.html").read_text()).found
    (tmp_path / "sweep").rename(tmp_path / "before")
    honest = Tags((write("word", plotted=plotted) / "report.html").read_text()).found
    assert set(hostile) == set(honest)


def test_a_page_holds_no_character_that_steers(hostile):
    text = (hostile / "report.html").read_text()
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert "failed&lt;script&gt;alert(1)&lt;/script&gt;" in text and "\\x1b[2J" in text


def test_the_script_of_a_page_is_ours_alone(hostile):
    text = (hostile / "report.html").read_text()
    assert len(re.findall("<script", text)) == 1 and "onerror=alert(1)>" not in text


def test_no_cell_of_a_table_is_a_formula(hostile):
    with open(hostile / "report.csv", newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert all(cell.isprintable() for cell in cells)


@pytest.mark.parametrize("value", ["=1+1", "+1+cmd", "-1+cmd", "@SUM(1)", "\t=1"])
def test_a_swept_text_is_no_formula_and_a_number_stays_one(make_sweep, value):
    folder = write_report([make_sweep([({"a": value, "b": -1.5}, 0.1, "done")])]).parent
    with open(folder / "report.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["a"] in (f"'{value}", "\\t=1") and row["b"] == "-1.5"


def test_a_number_that_json_has_not_is_a_text(make_sweep):
    folder = write_report([make_sweep([({"a": float("inf"), "b": float("nan")}, 0.1, "done")])])

    def refuse(name):
        raise AssertionError(name)

    record = json.loads(folder.with_suffix(".json").read_text(), parse_constant=refuse)
    assert record["jobs"][0]["swept"] == {"a": "inf", "b": "nan"}


@pytest.mark.parametrize("mark", MARKS)
def test_texts_of_a_plot_are_texts(mark):
    def draw(axes):
        plots.dots(axes, [(mark, 1.0, "#000000", True), ("other", 2.0, "#000000", True)])

    text = plots.svg(draw, title=mark, x=mark, y=mark)
    assert {tag for tag, _ in Tags(text).found} <= {
        "svg",
        "defs",
        "style",
        "g",
        "path",
        "use",
        "text",
        "clippath",
        "rect",
    }


def test_a_line_about_a_job_steers_no_terminal():
    line = describe(WORD, {"state": WORD, "error": f"{WORD}\n{WORD}", "seconds": 1.0})
    assert line.isprintable()


def test_what_is_said_at_the_end_of_a_sweep_steers_no_terminal(write, capsys):
    folder = write(WORD)
    jobs = {job.name: job for job in folder.glob("*_*") if job.is_dir()}
    about = {"folder": str(folder), "runner": f"/x/{WORD}", "options": []}
    finish(SimpleNamespace(asked=lambda: jobs, **about))
    said = capsys.readouterr()
    assert all(line.isprintable() for line in (said.out + said.err).splitlines())
    assert f"error: 1_{printable(NAME)}: " in said.err


def test_of_what_a_job_printed_no_title_of_a_terminal_and_no_link_is_left(tmp_path):
    text = "\x1b]0;title\x07a\x1b[2Jb\x1b]8;;http://x\x1b\\c\x1b]8;;\x1b\\ \x9b31md\x1bce\x1b(0f"
    (tmp_path / "output.log").write_text(text)
    assert last_lines(tmp_path / "output.log") == ["abc def"]

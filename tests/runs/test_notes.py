"""What people have to say of a run."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from aa.errors import UserError
from aa.runs.filters import parse, select
from aa.runs.listing import list_runs
from aa.runs.notes import change_tags, read_notes, set_note, set_star
from aa.runs.summary import read_run
from tests.runs.folders import make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def test_note_tags_and_star_are_kept_beside_each_other(run):
    set_note(run, " a good one\n")
    change_tags(run, ["best", "paper"])
    set_star(run, True)
    assert read_run(run).notes == {"note": "a good one", "tags": ["best", "paper"], "star": True}


def test_a_tag_is_there_once_and_can_be_taken_away(run):
    change_tags(run, ["b", "a", "b"])
    assert change_tags(run, ["a"], ["b"]) == {"tags": ["a"]}


@pytest.mark.parametrize("tag", ["", "two words", "x" * 51, "a,b", "\x1b[2J"])
def test_a_tag_that_is_no_word_is_refused(tag, run):
    with pytest.raises(UserError, match="a tag is a word of letters"):
        change_tags(run, [tag])


def test_too_long_a_note_and_too_many_tags_are_refused(run):
    with pytest.raises(UserError, match="at most 10000 characters"):
        set_note(run, "x" * 10_001)
    with pytest.raises(UserError, match="at most 50 tags"):
        change_tags(run, [f"t{n}" for n in range(51)])
    assert read_notes(run) == {}


def test_no_tag_is_lost_when_many_write(run):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: change_tags(run, [f"t{number}"]), range(40)))
    assert len(read_notes(run)["tags"]) == 40


def test_a_link_in_the_place_of_the_notes_is_refused_and_not_followed(run, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    (run / "notes.json").symlink_to(tmp_path / "other.json")
    with pytest.raises(UserError, match="is a link to"):
        set_star(run, True)
    assert (tmp_path / "other.json").read_text() == "{}"


@pytest.mark.parametrize(
    "content", ["{", '{"tags": ["a b"]}', '{"star": 1}', '{"note": "%s"}' % ("x" * 10_001)]
)
def test_damaged_notes_are_named_by_the_list_and_not_written_over(content, run):
    (run / "notes.json").write_text(content)
    found = read_run(run)
    assert found.notes == {} and "notes.json: cannot be read" in found.troubles[0]
    with pytest.raises(UserError, match=r"notes\.json: cannot be read"):
        set_star(run, True)
    assert (run / "notes.json").read_text() == content


def test_a_note_makes_no_run_younger(tmp_path):
    for name, written_at in (("old", 1), ("new", 3)):
        run = make_run(tmp_path / name)
        for file in (*run.iterdir(), run):
            os.utime(file, (0, written_at))
    set_note(tmp_path / "old", "still good")
    assert [(run.folder.name, run.changed) for run in list_runs(tmp_path)] == [
        ("new", 3),
        ("old", 1),
    ]


def test_runs_are_chosen_by_tag_and_star(tmp_path):
    for name in ("plain", "tagged", "starred"):
        make_run(tmp_path / name)
    change_tags(tmp_path / "tagged", ["good"])
    set_star(tmp_path / "starred", True)
    runs = list_runs(tmp_path)

    def chosen(*texts):
        return {run.folder.name for run in select(runs, parse(texts, runs))}

    assert chosen("tag=good") == {"tagged"}
    assert chosen("star=true") == {"starred"}
    assert chosen("star=false") == {"plain", "tagged"}
    for text in ("tag>good", "star=maybe"):
        with pytest.raises(UserError):
            parse([text], runs)


def test_the_file_is_plain_json(run):
    set_star(run, True)
    assert json.loads((run / "notes.json").read_text()) == {"star": True}

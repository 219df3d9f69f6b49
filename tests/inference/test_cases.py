"""A cases file maps pictures to pose videos; what is wrong with it is said before work starts."""

import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from aa.errors import UserError
from aa.inference.cases import read_cases


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Function (text of a cases file) -> its path; pictures and videos lie beside it."""
    for name in ("ann.png", "bob.png", "walk.mp4", "turn.mp4"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "cases.yaml").write_text(text)
        return "cases.yaml"

    return write


def refused(cases):
    with pytest.raises(UserError) as caught:
        read_cases(cases=cases)
    return str(caught.value)


def test_a_picture_and_a_video_are_one_case(files):
    (case,) = read_cases(reference="ann.png", pose="walk.mp4")
    assert case.name == "ann_walk"


def test_a_file_gives_a_case_for_every_video_of_every_picture(files):
    cases = read_cases(cases=files("ann.png: [walk.mp4, turn.mp4]\nbob.png: walk.mp4"))
    assert [case.name for case in cases] == ["ann_walk", "ann_turn", "bob_walk"]


def test_files_beside_the_cases_file_are_found_from_anywhere(files, tmp_path, monkeypatch):
    cases = tmp_path / files("ann.png: [walk.mp4]")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (case,) = read_cases(cases=cases)
    assert (case.reference, case.pose) == (tmp_path / "ann.png", tmp_path / "walk.mp4")


def test_where_no_case_has_its_files_all_missing_ones_are_named_at_once(files):
    line = refused(files("ann.png: [run.mp4]\neve.png: [walk.mp4]"))
    assert line == "cases=cases.yaml: no such file: eve.png, run.mp4. Check the paths."


def test_files_that_are_missing_leave_the_other_cases(files):
    cases = read_cases(cases=files("ann.png: [run.mp4, walk.mp4]"))
    assert [case.name for case in cases] == ["ann_run", "ann_walk"]


def test_the_same_case_twice_is_refused(files):
    line = refused(files("ann.png: [walk.mp4, ./walk.mp4]"))
    assert line == "cases=cases.yaml: ann.png with walk.mp4 is there twice; leave one out."


def test_all_shards_together_have_each_case_once_under_its_name(files, tmp_path):
    (tmp_path / "walk.mov").touch()
    listed = files("ann.png: [walk.mp4, turn.mp4, walk.mov]\nbob.png: [walk.mp4]")
    whole = [case.name for case in read_cases(cases=listed)]
    first, second, third = (
        [case.name for case in read_cases(cases=listed, shard=f"{k}/3")] for k in (1, 2, 3)
    )
    assert [first, second, third] == [[whole[0], whole[3]], [whole[1]], [whole[2]]]


def test_shards_can_be_swept_without_quotes():
    override = OverridesParser.create().parse_override("cases_shard=1/3,2/3,3/3")
    assert list(override.sweep_iterator()) == ["1/3", "2/3", "3/3"]


def test_a_shard_may_have_no_case(files):
    assert read_cases(cases=files("ann.png: [walk.mp4]"), shard="2/2") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[ann.png]",
        "ann.png",
        "ann.png:",
        "ann.png: []",
        "ann.png: {walk.mp4: 1}",
        "null: [walk.mp4]",
        "[ann.png]: walk.mp4",
        "ann.png: [[walk.mp4]]",
        "ann.png: *nothing",
        "ann.png: &list [walk.mp4, *list]",
        'ann.png: ["a\\0b"]',
        "ann.png: [~]",
    ],
)
def test_another_form_is_refused_with_the_wanted_one(text, files):
    assert "wanted a mapping of pictures to lists of pose videos, like `ann.png:" in refused(
        files(text)
    )


@pytest.mark.parametrize("content", [b"a: [b", b"\xff\xfe\x00"])
def test_what_is_no_yaml_is_refused(content, files, tmp_path):
    (tmp_path / "broken.yaml").write_bytes(content)
    assert re.match(
        r"cases=broken.yaml: (not yaml|cannot be read as a text) \(", refused("broken.yaml")
    )


def test_pictures_may_share_a_list_of_videos_by_its_name(files):
    cases = read_cases(cases=files("ann.png: &all [walk.mp4, turn.mp4]\nbob.png: *all"))
    assert [case.name for case in cases] == ["ann_walk", "ann_turn", "bob_walk", "bob_turn"]


def test_a_video_may_have_a_name_that_others_use(files):
    cases = read_cases(cases=files("ann.png: [&first walk.mp4]\nbob.png: [*first, turn.mp4]"))
    assert [case.name for case in cases] == ["ann_walk", "bob_walk", "bob_turn"]


def test_names_that_yaml_takes_for_numbers_or_dates_are_names(files, tmp_path):
    for name in ("1", "2024-06-01", "no"):
        (tmp_path / name).touch()
    cases = read_cases(cases=files("1: [2024-06-01, no]"))
    assert [case.name for case in cases] == ["1_2024-06-01", "1_no"]


def test_several_documents_are_refused(files):
    assert "holds several documents" in refused(files("ann.png: walk.mp4\n---\nbob.png: walk.mp4"))

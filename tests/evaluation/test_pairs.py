import json

import pytest

from aa.errors import UserError
from aa.evaluation.pairs import find_pairs


@pytest.fixture
def touch(tmp_path):
    """Function (names below tmp_path): empty files of these names."""

    def run(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()

    return run


def refused(*paths):
    with pytest.raises(UserError) as caught:
        find_pairs(*paths)
    return str(caught.value)


def test_videos_of_the_same_name_are_a_pair_whatever_their_ending(touch, tmp_path):
    touch("g/b.mp4", "g/a.MOV", "t/a.mp4", "t/b.webm", "g/notes.txt", "g/.hidden.mp4")
    pairs = find_pairs(tmp_path / "g", tmp_path / "t")
    assert [(p.name, p.generated.name, p.truth.name) for p in pairs] == [
        ("a", "a.MOV", "a.mp4"),
        ("b", "b.mp4", "b.webm"),
    ]


def test_two_files_are_a_pair_of_whatever_names(touch, tmp_path):
    touch("g/ours.mp4", "t/theirs.mp4")
    (pair,) = find_pairs(tmp_path / "g/ours.mp4", tmp_path / "t/theirs.mp4")
    assert (pair.name, pair.truth.name, pair.mask) == ("ours", "theirs.mp4", None)


def test_masks_are_a_third_partner(touch, tmp_path):
    touch("g/a.mp4", "t/a.mp4", "m/a.mp4")
    (pair,) = find_pairs(tmp_path / "g", tmp_path / "t", tmp_path / "m")
    assert pair.mask == tmp_path / "m" / "a.mp4"


def test_every_video_without_a_partner_is_named(touch, tmp_path):
    touch("g/a.mp4", "g/b.mp4", "t/b.mp4", "t/c.mp4")
    line = refused(tmp_path / "g", tmp_path / "t")
    assert line.startswith("2 of 3 names: ")
    assert f"{tmp_path}/g/a.mp4 has no partner in truth" in line
    assert f"{tmp_path}/t/c.mp4 has no partner in generated" in line


def test_a_long_list_of_lonely_videos_is_cut(touch, tmp_path):
    touch("t/a.mp4", *(f"g/{i}.mp4" for i in range(8)))
    assert " and 4 more. Wanted" in refused(tmp_path / "g", tmp_path / "t")


def test_two_videos_of_one_name_are_refused(touch, tmp_path):
    touch("g/a.mp4", "g/a.mov", "t/a.mp4")
    line = refused(tmp_path / "g", tmp_path / "t")
    assert "a.mov and a.mp4 would both be measured as a; move one of them away." in line


def test_a_folder_without_videos_is_refused(touch, tmp_path):
    touch("g/a.txt", "t/a.mp4")
    assert "holds no video; wanted files ending in .mp4" in refused(tmp_path / "g", tmp_path / "t")


def test_a_file_and_a_folder_are_refused(touch, tmp_path):
    touch("g/a.mp4", "t/a.mp4")
    line = refused(tmp_path / "g/a.mp4", tmp_path / "t")
    assert line.endswith("all of them videos; generated is a file.")


def test_a_side_by_side_is_no_result(touch, tmp_path):
    touch("g/a.mp4", "g/a_side_by_side.mp4", "t/a.mp4")
    assert len(find_pairs(tmp_path / "g", tmp_path / "t")) == 1


@pytest.fixture
def inferred(touch, tmp_path):
    """Function (results as (pose, video)): an inference run's folder, moved since."""

    def run(*results):
        touch(*(f"run/{video}" for _, video in results))
        videos = [{"pose": f"poses/{pose}", "video": f"old/place/{v}"} for pose, v in results]
        (tmp_path / "run" / "summary.json").write_text(json.dumps({"videos": videos}))
        return tmp_path / "run"

    return run


def test_results_of_an_inference_run_are_paired_by_their_pose_videos(inferred, touch, tmp_path):
    folder = inferred(("dance.mp4", "ann_dance.mp4"), ("walk.mp4", "ann_walk.mp4"))
    touch("run/ann_walk_side_by_side.mp4", "t/walk.mp4", "t/dance.mp4")
    pairs = find_pairs(folder, tmp_path / "t")
    assert [(p.name, p.generated) for p in pairs] == [
        ("dance", folder / "ann_dance.mp4"),
        ("walk", folder / "ann_walk.mp4"),
    ]


def test_two_characters_in_one_pose_video_are_refused(inferred, touch, tmp_path):
    folder = inferred(("walk.mp4", "ann_walk.mp4"), ("walk.mp4", "bob_walk.mp4"))
    touch("t/walk.mp4")
    line = refused(folder, tmp_path / "t")
    assert "ann_walk.mp4 and bob_walk.mp4 would both be measured as walk" in line


def test_an_inference_run_that_lost_a_video_is_refused(inferred, touch, tmp_path):
    folder = inferred(("walk.mp4", "ann_walk.mp4"))
    (folder / "ann_walk.mp4").unlink()
    touch("t/walk.mp4")
    assert "summary.json names ann_walk.mp4, no such file" in refused(folder, tmp_path / "t")

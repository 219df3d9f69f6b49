"""A manifest of many clips is read item by item, and their folders are listed once."""

import json

import pytest

from aa.data.manifest import read_manifest
from aa.errors import UserError


def many(root, count=40):
    """Names of clips of empty files below a data root, more than are asked for one by one."""
    names = [f"{folder}/{n}.mp4" for n in range(count) for folder in ("video", "video_dwpose")]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return names


def manifest_of(root, names):
    pairs = zip(names[::2], names[1::2], strict=True)
    return written(root, json.dumps([{"video_path": v, "kps_path": p} for v, p in pairs]))


def written(root, text):
    (root / "meta_data").mkdir()
    (root / "meta_data" / "meta.json").write_text(text)
    return root / "meta_data" / "meta.json"


def test_of_many_clips_those_that_are_missing_or_folders_are_counted(tmp_path):
    names = many(tmp_path)
    (tmp_path / names[70]).unlink()
    (tmp_path / names[71]).unlink()
    (tmp_path / names[71]).mkdir()
    with pytest.raises(UserError, match=r"2 of 80 files do not exist: \S+video/35\.mp4; "):
        read_manifest(manifest_of(tmp_path, names))


def test_of_many_clips_a_link_that_leads_out_is_named_and_one_inside_taken(tmp_path):
    names = many(tmp_path / "set")
    for name, target in (
        (names[70], tmp_path / "outside"),
        (names[72], tmp_path / "set" / names[0]),
    ):
        (tmp_path / "set" / name).unlink()
        (tmp_path / "set" / name).symlink_to(target)
    (tmp_path / "outside").touch()
    path = manifest_of(tmp_path / "set", names)
    with pytest.raises(UserError, match=r"1 paths lead out of \S+ by \.\. or by a link: video/35"):
        read_manifest(path)
    assert len(read_manifest(path, allow_outside=True)) == 40


def test_many_clips_are_found_in_the_working_directory_and_by_odd_spellings(tmp_path, monkeypatch):
    names = many(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    names[-2:] = ["./video//39.mp4", "video/../video_dwpose/39.mp4"]
    (tmp_path / "data").mkdir()
    found = read_manifest(manifest_of(tmp_path / "data", names))
    videos = [tmp_path / "here" / "video" / f"{n}.mp4" for n in range(40)]
    assert [clip.video for clip in found] == videos


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[{"video_path": "a}", "kps_path": "b"}]', "2 of 2 files do not exist"),
        ('[{"video_path": "a", "kps_path": "b"} 1]', "line 1, column 39: not JSON .Expecting ',"),
        (
            '[{"video_path": "a", "kps_path": "b"},\n]',
            "line 2, column 1: not JSON .Expecting value",
        ),
        ('[{"video_path": "a", "kps_path": "b"}] x', "line 1, column 40: not JSON .Extra data"),
        ('[{"video_path": "a", "kps_path": "b"}', "line 1, column 38: not JSON .Expecting ',"),
        (f'["{"a" * 100_001}"]', "item of more than 100000 characters|Unterminated string"),
        ("7", "holds a int, wanted a list"),
        ("", "line 1, column 1: not JSON"),
    ],
)
def test_items_are_read_one_by_one_as_the_whole_would_be(tmp_path, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read_manifest(written(tmp_path, text))

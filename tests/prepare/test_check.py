"""`check=`: each fault that is planted in a data set is found."""

import json
import shutil

import numpy as np
import pytest

from aa.data.folders import pair_clips
from aa.errors import UserError
from aa.poses import Poses
from aa.prepare.attempts import here
from aa.prepare.check_run import check_data_set
from tests.damaged import damage_middle, write_intra
from tests.data.conftest import noisy_frames, write_video
from tests.prepare.conftest import made
from tests.prepare.videos import puppet, save


@pytest.fixture
def check(compose, tmp_path):
    """Function (data set) -> {clip: kinds of its findings}, and the error's line or None."""

    def run(data_set, *overrides):
        folder = tmp_path / "check"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        line = None
        try:
            config = compose("prepare", [f"check={data_set}", "keep.min_frames=8", *overrides])
            check_data_set(config, folder, engine=here)
        except UserError as error:
            line = str(error)
        rows = json.loads((folder / "report.json").read_text())["rows"]
        found = {row["clip"]: [finding["kind"] for finding in row["findings"]] for row in rows}
        return {name: kinds for name, kinds in found.items() if kinds}, line

    return run


@pytest.fixture(scope="session")
def made_once(compose, tmp_path_factory):
    home = tmp_path_factory.mktemp("made")
    for seed in (1, 2):
        save(home / f"raw/{seed}.mp4", *puppet(seed, 16))
    return made(compose, home, home / "raw")


@pytest.fixture
def data_set(made_once, tmp_path):
    """Two clips, one to train on and one to validate with."""
    return shutil.copytree(made_once, tmp_path / "set")


def skeletons(num_frames, *, height=96, width=64, drawn=1.0):
    """Frames of a pose video, as white bars on black in a share of them."""
    frames = np.zeros((num_frames, height, width, 3), np.uint8)
    frames[: round(drawn * num_frames), 20:60, 30:34] = 255
    return frames


def add(data_set, name, frames, poses, **options):
    write_video(data_set / f"video/{name}.mp4", frames)
    write_video(data_set / f"video_dwpose/{name}.mp4", poses, **options)


def test_what_prepare_makes_passes(check, data_set):
    assert check(data_set) == ({}, None)
    assert check(data_set / "meta_data/train_meta.json") == ({}, None)


def test_faults_of_files_are_found_each_by_its_name(check, data_set):
    frames = puppet(3, 16)[0]
    add(data_set, "longer", frames, skeletons(17))
    add(data_set, "short", frames[:4], skeletons(4))
    add(data_set, "black", frames, skeletons(16, drawn=0))
    write_video(data_set / "video/alone.mp4", frames)
    (data_set / "video/text.mp4").write_text("no video")
    write_video(data_set / "video_dwpose/text.mp4", skeletons(16))
    for kind in ("video", "video_dwpose"):
        write_intra(data_set / kind / "damaged.mp4", noisy_frames(80))
    damage_middle(data_set / "video/damaged.mp4")
    found, line = check(data_set)
    assert found == {
        "video/alone.mp4": ["alone"],
        "video/black.mp4": ["no_pose"],
        "video/damaged.mp4": ["undecodable"],
        "video/longer.mp4": ["left_out"],
        "video/short.mp4": ["left_out"],
        "video/text.mp4": ["left_out"],
    }
    assert line and line.startswith(f"check={data_set}: 6 faults in ")
    assert "has 16 frames, its pose video" in line


def test_keypoints_of_another_clip_are_found(check, data_set):
    (first, _), _ = pair_clips(data_set)
    path = data_set / "keypoints" / f"{first.video.stem}.npz"
    Poses.load(path)[:10].save(path)
    found, line = check(data_set)
    assert found == {f"video/{first.video.name}": ["keypoints"]}
    assert line and "keypoints are of 10 frames of 96x64, the video has 16 of 96x64" in line


def test_what_only_deserves_a_note_is_no_error(check, data_set):
    frames = puppet(4, 16)[0]
    add(data_set, "rate", frames, skeletons(16), fps=12)
    add(data_set, "size", puppet(5, 16)[0], skeletons(16, height=48, width=48))
    add(data_set, "few", puppet(6, 16)[0], skeletons(16, drawn=0.5))
    add(data_set, "swapped", skeletons(16), puppet(7, 16)[0])
    shutil.copy(data_set / "video/few.mp4", data_set / "video/few_again.mp4")
    shutil.copy(data_set / "video_dwpose/few.mp4", data_set / "video_dwpose/few_again.mp4")
    found, line = check(data_set)
    assert found == {
        "video/few.mp4": ["few_poses"],
        "video/few_again.mp4": ["few_poses", "repeats"],
        "video/rate.mp4": ["rates"],
        "video/size.mp4": ["sizes"],
        "video/swapped.mp4": ["swapped"],
    }
    assert line is None


def test_a_list_that_names_missing_and_foreign_files_is_found(check, data_set):
    (first, second), _ = pair_clips(data_set)
    names = {"video_path": f"video/{first.video.name}", "kps_path": "video_dwpose/gone.mp4"}
    outside = {"video_path": "../../a.mp4", "kps_path": "../../b.mp4"}
    train = data_set / "meta_data/train_meta.json"
    train.write_text(json.dumps([names, outside]))
    found, line = check(train)
    assert found["video_dwpose/gone.mp4"] == ["missing"]
    assert "outside" in found["../../a.mp4"] and line
    both = [{"video_path": str(c.video), "kps_path": str(c.pose)} for c in (first, second)]
    for split in ("train", "validation"):
        (data_set / f"meta_data/{split}_meta.json").write_text(json.dumps([*both, both[0]]))
    found, line = check(data_set)
    assert found == {
        f"video/{first.video.name}": ["twice", "twice", "both_lists"],
        f"video/{second.video.name}": ["both_lists"],
    }
    assert line and "is in the lists to train on and to validate with" in line


def test_a_folder_that_is_no_data_set_is_one_line(compose, tmp_path):
    config = compose("prepare", [f"check={tmp_path}"])
    with pytest.raises(UserError, match=r"video: no such folder. Put clips into"):
        check_data_set(config, tmp_path, engine=here)

"""A list of cases is made as far as it can be, and goes on where it was stopped."""

import json
import os
import signal

import av
import numpy as np
import pytest
from PIL import Image

from aa.data.video import VideoReader
from aa.errors import Interrupted, StorageError, UserError
from aa.inference import made
from tests.inference.conftest import Noise
from tests.tones import heard, write_with_beep


def summary(home):
    return json.loads((home / "run" / "summary.json").read_text())


def names(home):
    return sorted(path.name for path in (home / "run").glob("*.mp4"))


def left_half_done(home):
    return [path.name for path in (home / "run").iterdir() if path.name.endswith(".part")]


def test_one_bad_case_does_not_end_the_others_and_is_named_at_the_end(infer, home):
    with pytest.raises(UserError) as caught:
        infer(cases="ann.png: [broken.mp4, walk.mp4]\neve.png: [walk.mp4]\nbob.png: [turn.mp4]")
    line = str(caught.value)
    assert line.startswith("2 of 4 cases cannot be made: ann_broken (broken.mp4: is not a video (")
    assert "; eve_walk (eve.png: no such image. Check the path.). Mend them and go on: r" in line
    done = [(v["reference"], v["pose"]) for v in summary(home)["videos"]]
    failed = [(f["reference"], f["pose"]) for f in summary(home)["failed"]]
    assert done == [("ann.png", "walk.mp4"), ("bob.png", "turn.mp4")]
    assert failed == [("ann.png", "broken.mp4"), ("eve.png", "walk.mp4")]


def test_where_no_case_is_good_no_weights_are_loaded(infer, home):
    pipeline = Noise()
    with pytest.raises(UserError, match=r"^1 of 1 cases cannot be made: ann_broken .* or the list"):
        infer(cases="ann.png: [broken.mp4]", pipeline=pipeline)
    assert pipeline.made == 0
    assert not (home / "run" / "snapshot.json").exists()


def test_the_error_of_a_single_pair_is_its_own(infer):
    with pytest.raises(UserError, match=r"^broken\.mp4: is not a video"):
        infer("reference=ann.png", "pose=broken.mp4")


def test_results_whose_names_would_meet_are_all_there(infer, home):
    (home / "walk_side_by_side.mp4").write_bytes((home / "walk.mp4").read_bytes())
    (home / "other").mkdir()
    (home / "other" / "walk.mp4").write_bytes((home / "turn.mp4").read_bytes())
    infer(cases="ann.png: [walk.mp4, walk_side_by_side.mp4, other/walk.mp4]")
    files = [v[key] for v in summary(home)["videos"] for key in ("video", "side_by_side")]
    assert len(names(home)) == len(set(files)) == 6
    assert {VideoReader(file).width for file in files[::2]} == {16}
    assert {VideoReader(file).width for file in files[1::2]} == {48}


def test_a_run_that_goes_on_makes_only_what_is_not_there(infer, home):
    cases, pipeline = "ann.png: [walk.mp4, turn.mp4]\nbob.png: [walk.mp4]", Noise()
    infer(cases=cases)
    (home / "run" / "ann_turn.mp4").unlink()
    infer("resume=run", cases=cases, pipeline=pipeline)
    assert pipeline.made == 1
    assert [v["pose"] for v in summary(home)["videos"]] == ["walk.mp4", "turn.mp4", "walk.mp4"]
    assert (home / "run" / "ann_turn.mp4").is_file()


@pytest.mark.parametrize(
    "change",
    [
        lambda home: Image.new("RGB", (16, 16), "green").save(home / "ann.png"),
        lambda home: (home / "run" / "ann_walk_side_by_side.mp4").write_bytes(b"cut"),
        lambda home: (home / "run" / "cases.jsonl").write_text('{"name": "ann_walk", "sig'),
    ],
)
def test_what_is_of_other_files_or_not_whole_is_made_again(infer, home, change):
    pipeline = Noise()
    infer(cases="ann.png: [walk.mp4]")
    change(home)
    infer("resume=run", cases="ann.png: [walk.mp4]", pipeline=pipeline)
    assert pipeline.made == 1


def test_what_is_of_other_settings_is_made_again(infer):
    pipeline = Noise()
    infer(cases="ann.png: [walk.mp4]")
    infer("resume=run", "inference.seed=1", cases="ann.png: [walk.mp4]", pipeline=pipeline)
    assert pipeline.made == 1


def test_what_was_made_before_a_key_came_is_not_made_again(infer, home, monkeypatch):
    with monkeypatch.context() as patched:  # a record of all keys, as they were
        patched.setattr(made, "NOT_DECISIVE", (*made.NOT_DECISIVE, *made.LATER))
        infer(cases="ann.png: [walk.mp4]")
    pipeline = Noise()
    infer("resume=run", cases="ann.png: [walk.mp4]", pipeline=pipeline)
    assert pipeline.made == 0
    infer("resume=run", "inference.stream_chunk=2", cases="ann.png: [walk.mp4]", pipeline=pipeline)
    assert pipeline.made == 1


def test_cases_that_are_added_are_made_by_the_run_that_goes_on(infer, home):
    pipeline = Noise()
    infer(cases="ann.png: [walk.mp4]")
    infer("resume=run", cases="ann.png: [walk.mp4, turn.mp4]", pipeline=pipeline)
    assert (pipeline.made, len(summary(home)["videos"])) == (1, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_what_is_done_and_nothing_half_done(infer, home, number):
    before = signal.getsignal(number)

    def stop(made):
        if made == 2:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as caught:
        infer(cases="ann.png: [walk.mp4, turn.mp4]", pipeline=Noise(stop))
    assert caught.value.code == 128 + number
    assert names(home) == ["ann_walk.mp4", "ann_walk_side_by_side.mp4"]
    assert left_half_done(home) == []
    assert signal.getsignal(number) == before


def test_what_a_killed_run_left_half_done_is_removed_by_the_one_that_goes_on(infer, home):
    infer(cases="ann.png: [walk.mp4]")
    (home / "run" / ".ann_walk.mp4.123.part").touch()
    (home / "run" / ".ann_turn.123.part").mkdir()
    infer("resume=run", cases="ann.png: [walk.mp4]")
    assert left_half_done(home) == []


def test_a_full_disk_ends_the_list_in_one_line(infer, home, monkeypatch):
    def full(made):
        raise StorageError("run/a.mp4: cannot be written (No space left on device).")

    pipeline = Noise(full)
    with pytest.raises(
        StorageError, match=r"No space left on device\)\. Then go on: resume=.*run$"
    ):
        infer(cases="ann.png: [walk.mp4, turn.mp4]", pipeline=pipeline)
    assert (pipeline.made, left_half_done(home)) == (1, [])


def test_a_part_of_the_list_without_a_case_is_done_at_once(infer, home):
    pipeline = Noise()
    infer("cases_shard=2/2", cases="ann.png: [walk.mp4]", pipeline=pipeline)
    assert (pipeline.made, summary(home)) == (0, {"videos": [], "failed": []})


def test_a_picture_that_is_transparent_is_said_once(infer, home, caplog):
    Image.new("RGBA", (16, 16), (9, 9, 9, 0)).save(home / "ann.png")
    caplog.set_level("INFO")
    infer("inference.background=red", cases="ann.png: [walk.mp4, turn.mp4]")
    line = "ann.png: its transparent pixels are laid over red (inference.background)"
    assert caplog.messages.count(line) == 1
    left = VideoReader(home / "run" / "ann_walk_side_by_side.mp4").read([0])[0, 8, 8]
    np.testing.assert_allclose(left.astype(int), [255, 0, 0], atol=6)


PAIR = ("reference=ann.png", "pose=beep.mp4")


@pytest.mark.parametrize(
    ("given", "beep", "seconds"),
    [
        ((), 0.5, 1.0),
        (("inference.num_frames=7",), 0.5, 0.7),
        (("inference.fps=20",), 0.25, 0.5),
        (("inference.fps=5", "inference.num_frames=7"), 1.0, 1.4),
    ],
)
def test_both_results_have_the_pose_videos_sound_in_time(infer, home, given, beep, seconds):
    write_with_beep(home / "beep.mp4", beep=0.5)
    infer(*PAIR, *given)
    for name in ("ann_beep.mp4", "ann_beep_side_by_side.mp4"):
        at, length = heard(home / "run" / name)
        assert at == pytest.approx(beep, abs=0.05)
        assert length == pytest.approx(seconds, abs=0.05)


def test_sound_is_dropped_on_request(infer, home):
    write_with_beep(home / "beep.mp4", beep=0.5)
    infer(*PAIR, "inference.audio=drop")
    with av.open(str(home / "run" / "ann_beep.mp4")) as container:
        assert not container.streams.audio
    assert summary(home)["videos"][0]["sound"] is False


def test_a_format_without_sound_says_so_once(infer, home, caplog):
    for name in ("walk", "turn"):
        write_with_beep(home / f"{name}.mp4", beep=0.5, frames=2)
    caplog.set_level("INFO")
    infer("inference.format=gif", cases="ann.png: [walk.mp4, turn.mp4]")
    assert caplog.messages.count("the pose videos' sound is left out: gif has none") == 1

from pathlib import Path

import pytest

from aa.data.containers import check_container
from aa.data.video import VideoReader
from aa.errors import ClipError
from tests.data.conftest import cut_short, flat_frames, write_video
from tests.data.numbered import write_numbered


def test_a_name_with_colons_is_no_address_of_a_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.mp4", flat_frames(2)).rename("12:30:00.mp4")
    check_container(Path("12:30:00.mp4"))
    assert VideoReader("12:30:00.mp4").num_frames == 2


@pytest.mark.parametrize(
    ("ending", "codec"), [("mkv", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4")]
)
def test_a_file_of_one_box_that_is_cut_short_is_no_shorter_video(tmp_path, ending, codec):
    path = write_numbered(tmp_path / f"a.{ending}", codec, {"g": "12"}, count=30)
    check_container(path)
    cut_short(path, share=0.6)
    with pytest.raises(ClipError, match=rf"a\.{ending}: is cut short"):
        check_container(path)


def test_a_table_of_more_frames_than_bytes_is_refused_before_ffmpeg_makes_room(tmp_path):
    path = write_video(tmp_path / "a.mp4", flat_frames(2))
    content = bytearray(path.read_bytes())
    place = content.index(b"stsz") + 8  # behind the version: bytes of a frame, and how many
    content[place : place + 8] = (3072).to_bytes(4, "big") + (2**24).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(ClipError, match="speaks of 16777216 frames and has"):
        check_container(path)


def test_a_frame_whose_colours_no_filter_knows_is_named():
    kept = Path(__file__).parents[1] / "fuzz/fixtures/videos/colours_that_no_filter_knows.mp4"
    with pytest.raises(ClipError, match=r"frame \d+ cannot be shown"):
        VideoReader(kept).read([0])

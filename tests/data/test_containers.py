from pathlib import Path

from conftest import flat_frames, write_video

from aa.data.containers import check_container


def test_a_name_with_colons_is_no_address_of_a_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.mp4", flat_frames(2)).rename("12:30:00.mp4")
    check_container(Path("12:30:00.mp4"))

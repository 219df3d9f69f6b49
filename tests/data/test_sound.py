"""The sound of a pose video is in time with the frames that are made of it, and as long."""

import logging

import av
import numpy as np
import pytest

from aa.data.containers import OPTIONS
from aa.data.sound import find_sound
from aa.data.video import VideoReader
from aa.data.writers import VideoWriter
from tests.data.conftest import cut_short, flat_frames
from tests.tones import heard, write_with_beep

NEAR = 0.02  # seconds


def write_with_sound_of(path, source, *, frames=10, fps=10, speed=1.0):
    """A result of so many frames with the sound of a pose video."""
    sound = find_sound(source, start=VideoReader(source).start, seconds=frames / fps, speed=speed)
    with VideoWriter(path, fps=fps, height=16, width=16, sound=sound) as writer:
        for frame in flat_frames(frames):  # as they come
            writer.write(frame[None])
    return path


@pytest.fixture
def result(tmp_path):
    """Function (what `write_with_beep` takes) -> (time of the beep, length) in a result of it."""

    def write(ending="mp4", *, frames=10, fps=10, speed=1.0, **source):
        pose = write_with_beep(tmp_path / f"pose.{ending}", **source)
        return heard(
            write_with_sound_of(tmp_path / "a.mp4", pose, frames=frames, fps=fps, speed=speed)
        )

    return write


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "avi"])
def test_a_beep_is_heard_when_it_was_and_the_sound_ends_with_the_video(result, ending):
    assert result(ending, beep=0.5) == (pytest.approx(0.5, abs=NEAR), pytest.approx(1, abs=0.05))


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_other_rates_are_in_time(result, rate):
    beep, seconds = result("mp4", beep=0.5, rate=rate, frames=7)
    assert (beep, seconds) == (pytest.approx(0.5, abs=NEAR), pytest.approx(0.7, abs=0.05))


@pytest.mark.parametrize("channels", [1, 6])
def test_one_channel_stays_one_and_many_become_two(result, tmp_path, channels):
    assert result("mkv", beep=0.5, channels=channels)[0] == pytest.approx(0.5, abs=NEAR)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.audio[0].codec_context.channels == min(channels, 2)


def test_fewer_frames_have_less_sound(result):
    assert result(beep=0.5, frames=6) == (
        pytest.approx(0.5, abs=NEAR),
        pytest.approx(0.6, abs=0.05),
    )
    assert result(beep=0.5, frames=4) == (None, pytest.approx(0.4, abs=0.05))


@pytest.mark.parametrize(("speed", "frames"), [(0.5, 20), (1.25, 10), (4.0, 10)])
def test_at_another_speed_the_beep_comes_with_its_frame(result, speed, frames):
    fps = round(10 * speed)
    beep, seconds = result(beep=0.5, frames=frames, fps=fps, speed=speed, seconds=4)
    assert beep == pytest.approx(0.5 / speed, abs=0.05)
    assert seconds == pytest.approx(frames / fps, abs=0.05)


def test_at_any_speed_the_sound_ends_with_the_video(result):
    assert result(beep=0.5, frames=10, fps=1, speed=0.1)[1] == pytest.approx(10, abs=0.05)


def test_sound_from_before_the_first_frame_is_cut(result):
    assert result("mkv", beep=0.9, shown=0.5, seconds=1.5)[0] == pytest.approx(0.4, abs=NEAR)


def test_sound_that_begins_later_is_late_by_as_much(result):
    beep, seconds = result("mkv", beep=0.1, heard=0.4, seconds=0.3)
    assert (beep, seconds) == (pytest.approx(0.5, abs=NEAR), pytest.approx(1, abs=0.05))


def test_sound_that_an_edit_list_hides_is_not_heard(result, tmp_path):
    """A mov that is cut at 0.5 s without coding anew keeps what is before, hidden."""
    whole = write_with_beep(tmp_path / "whole.mov", beep=0.9, frames=20)
    with av.open(str(whole)) as source, av.open(str(tmp_path / "cut.mov"), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                shift = round(0.5 / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    cut = write_with_sound_of(tmp_path / "a.mp4", tmp_path / "cut.mov")
    assert heard(cut)[0] == pytest.approx(0.4, abs=NEAR)


def test_frames_and_rate_of_a_video_with_sound_are_as_without(result, tmp_path):
    result(beep=0.5)
    with av.open(str(tmp_path / "a.mp4")) as container:
        video = container.streams.video[0]
        assert (video.frames, video.average_rate, float(video.duration * video.time_base)) == (
            10,
            10,
            1,
        )


def test_the_index_is_still_in_front(result, tmp_path):
    result(beep=0.5)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_video_without_sound_has_none(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", fps=8, height=16, width=16) as writer:
        writer.write(flat_frames(2))
    assert find_sound(tmp_path / "a.mp4", start=0, seconds=1) is None


def test_sound_that_does_not_decode_is_said_and_left_out(tmp_path, caplog):
    pose = write_with_beep(tmp_path / "pose.mp4", beep=0.5)
    with av.open(str(pose), options=dict(OPTIONS)) as container:
        packets = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    content = bytearray(pose.read_bytes())
    for place, size in packets:
        content[place : place + size] = b"\xff" * size
    pose.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert find_sound(pose, start=0, seconds=1) is None
    assert "pose.mp4: its sound does not decode (" in caplog.text


def test_damage_behind_the_last_frame_that_is_made_does_not_matter(tmp_path):
    pose = cut_short(write_with_beep(tmp_path / "pose.mkv", beep=0.1, frames=100), share=0.8)
    assert find_sound(pose, start=0, seconds=0.5) is not None


def test_no_more_is_read_than_is_written(tmp_path):
    pose = write_with_beep(tmp_path / "pose.mkv", beep=0.5)
    blocks = find_sound(pose, start=0, seconds=1).blocks()
    assert max(block.shape[1] for block in blocks) <= 4096


def test_silence_follows_a_sound_that_ends_before_the_video(result):
    assert result(beep=0.2, seconds=0.4)[1] == pytest.approx(1, abs=0.05)


def test_samples_that_are_no_numbers_are_silence():
    from aa.data.sound import _samples, audio_frame

    samples, _ = _samples(audio_frame(np.array([[np.nan, 3.0, -0.5]], np.float32), "mono", 0))
    np.testing.assert_array_equal(samples, np.array([[0, 1, -0.5]], np.float32))

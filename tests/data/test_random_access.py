"""Frame i is the i-th that a player shows: its number is drawn into it, in every encoding."""

import os
import random
from fractions import Fraction

import av
import numpy as np
import pytest

from aa.data.video import VideoReader, open_pair
from aa.errors import ClipError
from tests.data.numbered import copy_packets, keyframes, numbers_in, write_numbered


def x264(more=""):
    return {"x264-params": f"keyint=12:min-keyint=4:scenecut=0:bframes=3:log=-1{more}"}


def x265(more):
    return {"x265-params": f"keyint=12:min-keyint=4:scenecut=0:bframes=3:log-level=none{more}"}


ENCODINGS = {
    "closed groups": ("a.mp4", "libx264", x264()),
    "open groups": ("a.mp4", "libx264", x264(":open-gop=1")),
    "open groups in mkv": ("a.mkv", "libx264", x264(":open-gop=1")),
    "B-frames in avi": ("a.avi", "libx264", x264()),
    "open groups in avi": ("a.avi", "libx264", x264(":open-gop=1")),
    "keyframes that are none": ("a.mp4", "libx264", x264(":intra-refresh=1")),
    "interlaced": ("a.mp4", "libx264", {**x264(":tff=1"), "flags": "+ilme+ildct"}),
    "HEVC": ("a.mp4", "libx265", x265(":open-gop=0")),
    "HEVC with open groups": ("a.mp4", "libx265", x265(":open-gop=1")),
    "HEVC with open groups in mkv": ("a.mkv", "libx265", x265(":open-gop=1")),
    "MPEG-4": ("a.mp4", "mpeg4", {"bf": "2", "g": "12"}),
    "MPEG-4 in avi": ("a.avi", "mpeg4", {"bf": "2", "g": "12"}),
    "VP8": ("a.webm", "libvpx", {"deadline": "realtime", "cpu-used": "8", "g": "12"}),
    "VP9": ("a.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "12"}),
    "AV1": ("a.mp4", "libsvtav1", {"preset": "12", "g": "12", "svtav1-params": "log=-1"}),
}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """Function (name of an encoding) -> its video of 60 numbered frames, made once."""
    made = {}

    def make(name):
        file, codec, options = ENCODINGS[name]
        if codec not in av.codecs_available:
            pytest.skip(f"this FFmpeg has no {codec}")
        if name not in made:
            folder = tmp_path_factory.mktemp("encoded")
            made[name] = write_numbered(folder / file, codec, options)
        return made[name]

    return make


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_read_gives_the_numbers_asked_for(encoded, name):
    reader, rng = VideoReader(encoded(name)), random.Random(0)
    assert (reader.num_frames, reader.fps) == (60, 30)
    for _ in range(40):
        start = rng.randrange(60)
        run = list(range(start, min(60, start + rng.randrange(1, 30)), rng.choice([1, 1, 4])))
        asked = rng.choice([run, [rng.randrange(60)], rng.sample(range(60), 5)])
        assert numbers_in(reader.read(asked)) == asked


@pytest.mark.parametrize("name", ENCODINGS)
def test_frames_are_the_same_to_the_bit_whatever_was_read_before(encoded, name):
    path = encoded(name)
    whole = VideoReader(path).read(range(60))
    chunks, backwards = VideoReader(path), VideoReader(path)
    for start in range(0, 60, 7):
        part = range(start, min(60, start + 7))
        np.testing.assert_array_equal(chunks.read(part), whole[part.start : part.stop])
    for i in range(55, 0, -9):
        np.testing.assert_array_equal(backwards.read([i]), whole[[i]])


@pytest.mark.parametrize("name", ["open groups", "HEVC with open groups", "MPEG-4 in avi"])
def test_a_forked_process_reads_right_beside_its_parent(encoded, name):
    reader = VideoReader(encoded(name))
    reader.read([20])
    child = os.fork()
    if child == 0:
        right = numbers_in(reader.read([47, 12, 13])) == [47, 12, 13]
        os._exit(0 if right else 1)
    assert numbers_in(reader.read([21, 35])) == [21, 35]
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("name", ["closed groups", "open groups"])
def test_frames_that_an_edit_list_hides_are_not_counted(encoded, tmp_path, name):
    source = encoded(name)
    first = keyframes(source)[1]
    reader = VideoReader(copy_packets(source, tmp_path / "cut.mp4", first=first, start=17))
    assert numbers_in(reader.read(range(reader.num_frames))) == list(range(17, 60))
    assert numbers_in(VideoReader(reader.path).read([30, 2])) == [47, 19]


@pytest.mark.parametrize("name", ["open groups", "HEVC with open groups"])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_video_cut_in_an_open_group_begins_with_what_can_be_decoded(
    encoded, tmp_path, name, ending
):
    source = encoded(name)
    begins_with_key = copy_packets(source, tmp_path / f"a.{ending}", first=keyframes(source)[1])
    begins_later = copy_packets(source, tmp_path / f"b.{ending}", first=keyframes(source)[1] + 3)
    for path, numbers in ((begins_with_key, range(12, 60)), (begins_later, range(24, 60))):
        reader = VideoReader(path)
        assert numbers_in(reader.read([0, reader.num_frames - 1])) == [numbers[0], 59]
        assert numbers_in(reader.read(range(reader.num_frames))) == list(numbers)


def test_a_webm_without_a_length_in_its_header_is_read(encoded, tmp_path):
    class Pipe:
        """A file that cannot go back to write a length."""

        def __init__(self, path):
            self.file = path.open("wb")

        def write(self, data):
            return self.file.write(data)

    pipe = Pipe(tmp_path / "a.webm")
    with av.open(str(encoded("VP9"))) as old, av.open(pipe, "w", format="webm") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    pipe.file.close()
    reader = VideoReader(tmp_path / "a.webm")
    assert reader.num_frames == 60
    assert numbers_in(reader.read([59, 0, 31])) == [59, 0, 31]


def test_a_second_video_stream_of_one_small_picture_is_not_read(encoded, tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(encoded("closed groups"))) as old, av.open(str(path), "w") as new:
        small = new.add_stream("libx264", rate=30)
        small.width, small.height, small.pix_fmt = 32, 16, "yuv420p"
        stream = new.add_stream_from_template(old.streams.video[0])
        grey = av.VideoFrame.from_ndarray(np.full((16, 32), 128, np.uint8), format="gray")
        new.mux([*small.encode(grey.reformat(format="yuv420p")), *small.encode()])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    reader = VideoReader(path)
    assert (reader.num_frames, reader.height, reader.width) == (60, 48, 128)
    assert numbers_in(reader.read([40, 3])) == [40, 3]


def test_frames_of_a_varying_rate_are_taken_by_time_at_that_of_the_fast_parts(tmp_path):
    # 3 frames of a tenth of a second, then 6 of a thirtieth, in ticks of 1/600 s
    times = [0, 60, 120, 180, 200, 220, 240, 260, 280]
    path = write_numbered(tmp_path / "a.mp4", "libx264", x264(), count=9, times=times)
    reader = VideoReader(path)
    assert reader.fps == 30
    assert numbers_in(reader.read(range(reader.num_frames))) == [
        0,
        0,
        0,
        1,
        1,
        1,
        2,
        2,
        2,
        *range(3, 9),
    ]
    assert reader.note == (
        "its frame rate varies: its 9 frames are taken by time as 15 at 30 per second"
    )


@pytest.mark.parametrize("ending", ["avi", "mkv"])
def test_a_varying_rate_counts_also_where_the_file_is_decoded_to_be_indexed(tmp_path, ending):
    # 10 frames of a tenth of a second, then 20 of a thirtieth
    times = [60 * i for i in range(10)] + [600 + 20 * i for i in range(20)]
    path, constant = tmp_path / f"a.{ending}", tmp_path / "constant.mp4"
    write_numbered(constant, "mpeg4", {"g": "12"}, count=30)
    with av.open(str(constant)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        stream.time_base = Fraction(1, 30)
        packets = (packet for packet in old.demux(video=0) if packet.size)
        for packet, time in zip(packets, times, strict=True):
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = time // 20
            packet.duration = 1
            new.mux(packet)
    reader = VideoReader(path)
    assert (reader.num_frames, reader.fps) == (50, pytest.approx(30, rel=0.01))
    shown = [i for i in range(10) for _ in range(3)] + list(range(10, 30))
    assert numbers_in(reader.read(range(50))) == shown


def test_a_keyframe_that_is_none_is_not_believed(encoded, tmp_path):
    source = encoded("MPEG-4")
    content = bytearray(source.read_bytes())
    place = content.index(b"stss") + 12  # behind version, flags and the number of entries
    count = int.from_bytes(content[place - 4 : place], "big")
    for entry in range(1, count):  # the first is right, each other one frame too late
        at = place + 4 * entry
        number = int.from_bytes(content[at : at + 4], "big") + 1
        content[at : at + 4] = number.to_bytes(4, "big")
    (tmp_path / "a.mp4").write_bytes(content)
    reader = VideoReader(tmp_path / "a.mp4")
    assert numbers_in(reader.read([51])) == [51]
    assert numbers_in(VideoReader(reader.path).read([23, 40])) == [23, 40]


def test_a_sound_frame_is_read_after_a_damaged_one(encoded, tmp_path):
    source = encoded("HEVC")
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    content[packets[24].pos : packets[24].pos + packets[24].size] = bytes(packets[24].size)
    (tmp_path / "a.mp4").write_bytes(content)
    reader = VideoReader(tmp_path / "a.mp4")
    assert numbers_in(reader.read([5])) == [5]
    with pytest.raises(ClipError, match="frame 30 does not decode"):
        reader.read([30])
    assert numbers_in(reader.read([11])) == [11]


def test_times_that_span_days_are_refused_before_they_take_memory(tmp_path):
    times = [0, 20, 40, 600 * 86_400 * 20]
    path = write_numbered(tmp_path / "a.mkv", "libx264", x264(), count=4, times=times)
    with pytest.raises(ClipError, match=r"a\.mkv: its 4 frames span 1728000 seconds"):
        VideoReader(path)


def test_times_rounded_to_milliseconds_are_no_varying_rate(encoded):
    reader = VideoReader(encoded("open groups in mkv"))
    assert reader.note is None


def test_a_pose_video_of_constant_rate_follows_its_video_of_varying_rate(tmp_path):
    times = [0, 60, 120, 180, 200, 220, 240, 260, 280]
    write_numbered(tmp_path / "video.mp4", "libx264", x264(), count=9, times=times)
    write_numbered(tmp_path / "pose.mp4", "libx264", x264(), count=9)
    video, pose = open_pair(tmp_path / "video.mp4", tmp_path / "pose.mp4")
    assert numbers_in(pose.read(range(15))) == numbers_in(video.read(range(15)))


def test_damage_is_an_error_where_a_frame_builds_on_it_and_nowhere_else(encoded, tmp_path):
    source = encoded("closed groups")
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    damaged = packets[24]  # the keyframe of frames 24..35
    content[damaged.pos : damaged.pos + damaged.size] = bytes(damaged.size)
    (tmp_path / "a.mp4").write_bytes(content)
    reader = VideoReader(tmp_path / "a.mp4")
    for frame in (24, 30, 35):
        with pytest.raises(ClipError, match=rf"a\.mp4: frame {frame} does not decode"):
            reader.read([frame])
    assert numbers_in(reader.read([23, 36, 59])) == [23, 36, 59]

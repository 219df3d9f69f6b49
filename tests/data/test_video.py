import os
import pickle
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from aa.data.poses import PoseVideo
from aa.data.video import VideoReader, VideoWriter, open_writer
from aa.errors import ClipError, UserError
from tests.data.conftest import (
    cut_short,
    flat_frames,
    noisy_frames,
    write_video,
    write_video_without_frames,
)
from tests.prepare.videos import puppet


def test_frames_come_in_the_order_asked_for(tmp_path):
    reader = VideoReader(write_video(tmp_path / "a.mp4", flat_frames(40)))
    brightness = reader.read([30, 2, 2, 17]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(brightness, [150, 10, 10, 85], atol=2)


def test_reader_tells_number_rate_and_size_of_frames(tmp_path):
    path = write_video(tmp_path / "a.mp4", flat_frames(6, height=16, width=24), fps=12.5)
    reader = VideoReader(path)
    assert (reader.num_frames, reader.fps, reader.height, reader.width) == (6, 12.5, 16, 24)


def test_mp4_has_the_asked_frames_fps_codec_and_pixel_format(tmp_path):
    path = write_video(tmp_path / "a.mp4", flat_frames(7), fps=30000 / 1001)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.frames == 7
        assert stream.average_rate == Fraction(30000, 1001)
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")


def test_mp4_has_its_index_in_front_so_that_browsers_start_at_once(tmp_path):
    content = write_video(tmp_path / "a.mp4", noisy_frames(4)).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_colours_survive_writing_and_reading(tmp_path):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 120, 80]], np.uint8)
    frame = np.repeat(np.repeat(colours[None], 16, axis=0), 16, axis=1)  # four 16x16 squares
    path = write_video(tmp_path / "a.mp4", frame[None])
    read = VideoReader(path).read([0])[0, 8, 8::16]
    np.testing.assert_allclose(read.astype(int), colours.astype(int), atol=4)


def test_missing_video_is_named(tmp_path):
    with pytest.raises(ClipError, match=r"gone\.mp4: no such video"):
        VideoReader(tmp_path / "gone.mp4")


def test_text_is_not_a_video_and_nothing_is_printed(tmp_path, capfd):
    path = tmp_path / "a.mp4"
    path.write_text("hello " * 100)
    with pytest.raises(ClipError, match=r"a\.mp4: is not a video"):
        VideoReader(path)
    assert capfd.readouterr().err == ""


def test_empty_file_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    path.touch()
    with pytest.raises(ClipError, match="is empty"):
        VideoReader(path)


def test_video_without_frames_is_refused(tmp_path):
    with pytest.raises(ClipError, match="holds no"):
        VideoReader(write_video_without_frames(tmp_path / "a.mp4"))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_truncated_mp4_is_refused_and_nothing_is_printed(tmp_path, capfd, share):
    path = cut_short(write_video(tmp_path / "a.mp4", noisy_frames(20)), share=share)
    with pytest.raises(ClipError, match="is cut short"):
        VideoReader(path)
    assert capfd.readouterr().err == ""


def test_mp4_whose_index_was_lost_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:  # its index comes last
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 64
        for frame in noisy_frames(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())
    content = (tmp_path / "a.mp4").read_bytes()
    last_box = content.index(b"moov") - 4
    (tmp_path / "a.mp4").write_bytes(content[:last_box])
    with pytest.raises(ClipError, match="no moov box"):
        VideoReader(tmp_path / "a.mp4")


def test_frames_that_do_not_decode_are_an_error_not_a_copy_of_others(tmp_path):
    path = write_video(tmp_path / "a.mp4", noisy_frames(20))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    for start, size in sorted(packets)[-3:]:
        content[start : start + size] = bytes(size)
    path.write_bytes(content)
    reader = VideoReader(path)
    with pytest.raises(ClipError, match=r"a\.mp4: frame 19 does not decode"):
        reader.check_ends()
    assert reader.read([0]).shape == (1, 64, 64, 3)


def test_frame_outside_the_video_is_refused(tmp_path):
    reader = VideoReader(write_video(tmp_path / "a.mp4", flat_frames(3)))
    with pytest.raises(ClipError, match=r"frames 1\.\.3 asked for, it has 0\.\.2"):
        reader.read([1, 3])


def test_pickled_reader_reads_on(tmp_path):
    reader = VideoReader(write_video(tmp_path / "a.mp4", flat_frames(3)))
    reader.read([0])
    assert pickle.loads(pickle.dumps(reader)).read([1]).shape == (1, 16, 16, 3)


def test_reader_opened_before_a_fork_reads_in_the_child(tmp_path):
    reader = VideoReader(write_video(tmp_path / "a.mp4", flat_frames(3)))
    reader.read([0])
    child = os.fork()
    if child == 0:
        os._exit(0 if reader.read([2]).shape == (1, 16, 16, 3) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_odd_size_is_refused_for_mp4(tmp_path):
    with pytest.raises(UserError, match="even height and width, got 15x16"):
        VideoWriter(tmp_path / "a.mp4", fps=8, height=15, width=16)


def test_a_rate_that_would_be_written_as_none_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"fps must lie between 0\.01 and 1000, got 0\.0003"):
        VideoWriter(tmp_path / "a.mp4", fps=0.0003, height=16, width=16)


def test_no_frame_of_a_pose_video_is_not_all_of_it(tmp_path):
    path = write_video(tmp_path / "a.mp4", flat_frames(3))
    with pytest.raises(UserError, match="num_frames must be 1 or more, got 0"):
        PoseVideo(path, 0)


def test_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write_video(tmp_path / "a.mp4", flat_frames(3))
    with (
        pytest.raises(RuntimeError),
        VideoWriter(path, fps=8, height=16, width=16) as writer,
    ):
        writer.write(flat_frames(1))
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
    assert VideoReader(path).num_frames == 3


def test_writing_no_frame_is_refused(tmp_path):
    with (
        pytest.raises(UserError, match="no frame was written"),
        VideoWriter(tmp_path / "a.mp4", fps=8, height=16, width=16),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_refused(tmp_path):
    with (
        pytest.raises(UserError, match=r"must be uint8 \[F, 16, 16, 3\]"),
        VideoWriter(tmp_path / "a.mp4", fps=8, height=16, width=16) as writer,
    ):
        writer.write(flat_frames(2, height=32))


@pytest.mark.parametrize("format", ["mp4", "gif", "png"])
def test_folder_that_cannot_be_written_is_a_user_error(tmp_path, format):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / f"a.{format}"
    with (
        pytest.raises(UserError, match="cannot be written"),
        open_writer(path, format=format, fps=8, height=16, width=16),
    ):
        pass


def test_gif_keeps_frames_and_mean_rate(tmp_path):
    with open_writer(tmp_path / "a.gif", format="gif", fps=30, height=16, width=15) as writer:
        writer.write(flat_frames(9, width=15))
    with Image.open(tmp_path / "a.gif") as gif:
        durations = []
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
    assert len(durations) == 9
    assert sum(durations) == 300  # milliseconds: 9 / 30 s
    assert set(durations) == {30, 40}


def test_png_writes_a_folder_of_exact_frames(tmp_path):
    frames = noisy_frames(2, height=15, width=16)
    with open_writer(tmp_path / "a.png", format="png", fps=8, height=15, width=16) as writer:
        writer.write(frames)
    assert sorted(file.name for file in writer.path.iterdir()) == ["00000.png", "00001.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a" / "00001.png")), frames[1])


def test_png_never_replaces_a_folder_of_other_things(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").touch()
    with (
        pytest.raises(UserError, match="is no folder of png frames"),
        open_writer(tmp_path / "a.png", format="png", fps=8, height=16, width=16),
    ):
        pass
    assert [file.name for file in tmp_path.rglob("*")] == ["a", "thesis.txt"]


def test_unknown_format_is_refused(tmp_path):
    with pytest.raises(UserError, match="one of mp4, gif, png, got webm"):
        open_writer(tmp_path / "a", format="webm", fps=8, height=16, width=16)


@pytest.mark.parametrize("width", [16, 48, 62, 72])
def test_frames_of_every_small_width_are_read(tmp_path, width):
    frames = flat_frames(6, height=16, width=width)
    read = VideoReader(write_video(tmp_path / "a.mp4", frames)).read([5, 1])
    np.testing.assert_allclose(read, frames[[5, 1]], atol=3)


@pytest.mark.parametrize("ending", ["mov", "mkv", "avi"])
def test_other_containers_of_videos_are_read(tmp_path, ending):
    path = str(tmp_path / f"a.{ending}")
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 64
        for frame in noisy_frames(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())
    reader = VideoReader(path)
    reader.check_ends()
    assert (reader.num_frames, reader.height, reader.width) == (4, 64, 64)


def test_a_repeatable_writer_writes_the_same_bytes_every_time(tmp_path):
    frames = puppet(1, 30)[0]  # x264 is not so by itself: one puppet is enough to see it
    paths = [tmp_path / f"{number}.mp4" for number in range(5)]
    memory = []  # of other contents and places every time
    for path in paths:
        memory.append(np.random.default_rng().bytes(1 + 99_991 * len(memory)))
        with VideoWriter(path, fps=8, height=96, width=64, repeatable=True) as writer:
            writer.write(frames)
    assert len({path.read_bytes() for path in paths}) == 1

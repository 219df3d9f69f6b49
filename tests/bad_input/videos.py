"""Videos that are cut, empty, lying, absurd, or something else."""

import os
import struct
from pathlib import Path

import av
import numpy as np

from aa.data.folders import find_clips
from aa.data.manifest import Clip, check_clips
from aa.data.poses import PoseVideo
from aa.data.video import VideoReader, VideoWriter, check
from aa.evaluation.clips import describe
from aa.evaluation.pairs import find_pairs
from tests.bad_input.case import bad, without_rights
from tests.damaged import damaged_clips

KIND = "Videos"


def frames(count, *, side=64):
    """uint8 [F, H, W, 3] that do not compress."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def video(path="clip.mp4", *, count=6, side=64):
    Path(path).parent.mkdir(exist_ok=True)
    with VideoWriter(path, fps=8, height=side, width=side) as writer:
        writer.write(frames(count, side=side))
    return Path(path)


def plain_video(path, codec, pixels, *, count=6, side=64):
    """Frames that are each coded by themselves."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=8)
        stream.width = stream.height = side
        stream.pix_fmt = pixels
        for frame in frames(count, side=side):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())
    return Path(path)


def raw_video(path, **sizes):
    """A video that has the same bytes wherever it is made, so that their number can be told."""
    Path(path).parent.mkdir(exist_ok=True)
    return plain_video(path, "rawvideo", "bgr24", **sizes)


def patch(path, after, offset, *numbers, order=">"):
    """Overwrite 32-bit numbers `offset` bytes behind a mark."""
    content = bytearray(path.read_bytes())
    start = content.index(after) + offset
    content[start : start + 4 * len(numbers)] = struct.pack(f"{order}{len(numbers)}I", *numbers)
    path.write_bytes(content)
    return path


def _video(name, make, read=check):
    @bad(KIND, name)
    def prepare():
        path = make()
        return lambda: read(path)


def write(path, content):
    Path(path).write_bytes(content)
    return Path(path)


def cut(path, share=0.7):
    return write(path, path.read_bytes()[: int(path.stat().st_size * share)])


def without_frames():
    with av.open("clip.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    return Path("clip.mp4")


def many_samples():
    """An mp4 whose tables speak of a million frames of the size of its six."""
    path = raw_video("clip.mov")
    for box, offset in ((b"stsz", 12), (b"stts", 12), (b"stsc", 16)):
        patch(path, box, offset, 10**6)
    return path


def many_frames():
    path = raw_video("clip.avi")
    for box, offset in ((b"avih", 24), (b"strh", 40)):
        patch(path, box, offset, 10**6, order="<")
    return path


def absurd_size():
    return patch(plain_video("clip.avi", "mjpeg", "yuvj420p"), b"strf", 12, 50000, 50000, order="<")


def unknown_codec():
    path = plain_video("clip.avi", "mjpeg", "yuvj420p")
    return write(path, path.read_bytes().replace(b"MJPG", b"EVIL"))


def playlist():
    video("real.mp4")
    return write("clip.mp4", b"ffconcat version 1.0\nfile 'real.mp4'\n")


def many_tiny_frames():
    return raw_video("clip.avi", count=10_001, side=8)


_video("a video that is not there", lambda: Path("clip.mp4"))
_video("a folder called .mp4", lambda: (Path("clip.mp4").mkdir(), Path("clip.mp4"))[1])
_video("a video that is a pipe", lambda: (os.mkfifo("clip.mp4"), Path("clip.mp4"))[1])
_video("an empty video", lambda: write("clip.mp4", b""))
_video("a text called .mp4", lambda: write("clip.mp4", b"hello, world " * 9))
_video("a picture called .mp4", lambda: write("clip.mp4", b"\x89PNG\r\n\x1a\n" + bytes(99)))
_video("a playlist that names another video", playlist)
_video("a video cut short", lambda: cut(raw_video("clip.mov")))
_video("a video whose writing was stopped", lambda: cut_index(video()))
_video("a video without frames", without_frames)
_video("an mp4 that speaks of a million frames", many_samples)
_video("an avi that speaks of a million frames", many_frames)
_video("a video that says it is 50000x50000", absurd_size)
_video("a video in an unknown coding", unknown_codec)
_video("a pose video of 10001 frames", many_tiny_frames, PoseVideo)
_video("a pose video shorter than inference.num_frames", video, lambda path: PoseVideo(path, 24))


def cut_index(path):
    """Take the index of an mp4, and what follows, away; the frames stay."""
    content = path.read_bytes()
    start = content.index(b"moov")
    size = int.from_bytes(content[start - 4 : start], "big")
    return write(path, content[: start - 4] + content[start - 4 + size :])


@bad(KIND, "a video without permission to read it")
def without_permission():
    video().chmod(0)
    Path().chmod(0o755)

    def read():
        with without_rights():
            check("clip.mp4")

    return read


@bad(KIND, "a pose video of another length than its video")
def other_length():
    clip = Clip(video("clip.mp4"), video("pose.mp4", count=5))
    return lambda: check_clips([clip], min_frames=2, skip_bad=False)


@bad(KIND, "a generated video of another length than the true one")
def other_length_of_truth():
    video("clip.mp4"), video("truth.mp4", count=5)
    return lambda: describe(find_pairs("clip.mp4", "truth.mp4"))


@bad(KIND, "a generated video of another size than the true one")
def other_size_of_truth():
    video("clip.mp4"), video("truth.mp4", side=32)
    return lambda: describe(find_pairs("clip.mp4", "truth.mp4"))


@bad(KIND, "a clip whose ends decode and whose middle does not, when it is its turn")
def damaged_middle():
    clips = find_clips(damaged_clips(Path("clips")))

    def read():
        good, _ = check_clips(clips, min_frames=2, skip_bad=False, progress=False)
        reader = VideoReader(good[0].video)
        reader.read(range(reader.num_frames))

    return read

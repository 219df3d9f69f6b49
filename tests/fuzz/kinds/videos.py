"""Videos: pose videos, clips, and the sound in them."""

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.mutate import boxes, raw

CHANGES = {
    "mp4": boxes.changed_mp4,
    "mov": boxes.changed_mp4,
    "avi": boxes.changed_avi,
    "mkv": boxes.changed_matroska,
    "webm": boxes.changed_matroska,
}
SIDE, FRAMES, RATE = 32, 6, 48_000
# (ending, video codec, pixels, audio codec or None, options)
SEEDS = (
    ("mp4", "libx264", "yuv420p", "aac", {"bf": "2", "g": "4"}),
    ("mp4", "libx264", "yuv444p", None, {"x264-params": "keyint=2"}),
    ("mp4", "mpeg4", "yuv420p", None, {}),
    ("mov", "rawvideo", "rgb24", "pcm_s16le", {}),
    ("mov", "mjpeg", "yuvj420p", None, {}),
    ("mkv", "libx264", "yuv420p", "pcm_s16le", {}),
    ("mkv", "ffv1", "yuv420p", None, {}),
    ("webm", "libvpx", "yuv420p", "libopus", {}),
    ("webm", "libvpx-vp9", "yuv420p", None, {}),
    ("avi", "mjpeg", "yuvj420p", "pcm_s16le", {}),
    ("avi", "mpeg4", "yuv420p", None, {"bf": "1"}),
)


def _file(folder):
    return next(folder.glob("video.*"))


def read_frames(folder):
    """Both ends, and a frame between, as training reads them."""
    from aa.data.video import check

    reader = check(_file(folder))
    middle = reader.num_frames // 2
    return reader.read([middle, 0]).shape, reader.fps, reader.note, reader.height, reader.width


def read_poses(folder):
    """The first frames, as inference reads them."""
    from aa.data.poses import PoseVideo

    video = PoseVideo(_file(folder))
    return len(video), video[:3].shape


def read_sound(folder):
    """Whether there is a sound, and the first second of it."""
    from aa.data.sound import find_sound, has_sound
    from aa.data.video import VideoReader

    reader = VideoReader(_file(folder))
    return has_sound(reader.path), find_sound(reader.path, start=reader.start, seconds=1.0)


class Videos(Kind):
    """What a stranger gives as a video."""

    targets: ClassVar = {"frames": read_frames, "poses": read_poses, "sound": read_sound}

    def prepare(self):
        import aa.data.poses
        import aa.data.sound  # noqa: F401

        with tempfile.TemporaryDirectory() as folder:
            self.seeds = [(seed[0], _encoded(Path(folder), *seed)) for seed in SEEDS]

    def honest(self):
        return [
            Mutant({f"video.{kind}": file}, target)
            for kind, file in self.seeds
            for target in self.targets
        ]

    def mutant(self, rng):
        kind, content = rng.choice(self.seeds)
        if rng.random() < 0.6:
            content = CHANGES[kind](rng, content)
        else:
            others = [file for other, file in self.seeds if other == kind]
            content = raw.changed(rng, content, others)
        target = rng.choice(("frames", "frames", "frames", "poses", "sound"))
        return Mutant({f"video.{kind}": content}, target)

    def file_name(self, name):
        return f"video.{name.rpartition('.')[2]}"


def _encoded(folder, ending, codec, pixels, sound, options):
    """The same bytes at every call."""
    import av

    path = folder / f"seed.{ending}"
    noise = np.random.default_rng(0).integers(0, 256, (FRAMES, SIDE, SIDE, 3), np.uint8)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream(codec, rate=8, options=options)
        video.width = video.height = SIDE
        video.pix_fmt = pixels
        video.codec_context.thread_count = 1
        video.codec_context.bit_rate = 20_000
        audio = sound and container.add_stream(sound, rate=RATE, layout="mono")
        for frame in noise // 4:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(video.encode())
        for start in range(0, RATE // 10, 960) if audio else ():
            container.mux(audio.encode(_tone(start)))
        if audio:
            container.mux(audio.encode())
    return path.read_bytes()


def _tone(start):
    import av

    samples = np.sin(np.arange(start, start + 960) / 10, dtype=np.float32)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
    return frame

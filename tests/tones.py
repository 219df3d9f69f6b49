"""Videos with a beep at a known time, and when one is heard."""

from fractions import Fraction

import av
import numpy as np

CODECS = {"mp4": "aac", "mov": "pcm_s16le", "mkv": "pcm_s16le", "avi": "pcm_s16le"}
CODECS["webm"] = "libopus"
VIDEO_CODECS = {"webm": "libvpx"}
BEEP = 0.1  # seconds


def tone(seconds, *, beep, rate):
    """float32 [samples]: silence, with 1 kHz for `BEEP` seconds from `beep` on."""
    times = np.arange(round(seconds * rate)) / rate
    heard = (times >= beep) & (times < beep + BEEP)
    return (0.8 * np.sin(2000 * np.pi * times) * heard).astype(np.float32)


def write_with_beep(
    path, *, beep, frames=10, fps=10, seconds=None, rate=48_000, shown=0.0, heard=0.0, channels=2
):
    """A black video of 16x16 with a sound.

    Args:
        path: its ending says how both are coded.
        beep: seconds into the sound.
        frames, fps: of the video.
        seconds: that the sound is long, as long as the video by default.
        rate: samples a second.
        shown, heard: when the first frame and the first sample come, in seconds.
        channels: of the sound; the beep is in all.
    """
    ending = path.suffix[1:]
    sound = tone(frames / fps if seconds is None else seconds, beep=beep, rate=rate)
    with av.open(str(path), "w") as container:
        video = container.add_stream(VIDEO_CODECS.get(ending, "libx264"), rate=fps)
        video.width = video.height = 16
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
        audio = container.add_stream(CODECS[ending], rate=rate, layout=layout)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.zeros([16, 16, 3], np.uint8))
            frame.pts, frame.time_base = number + round(shown * fps), Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for start in range(0, len(sound), 960):
            part = np.repeat(sound[None, start : start + 960], channels, axis=0)
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = start + round(heard * rate)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def heard(path):
    """(seconds to the beep or None, seconds of the whole sound) of a video, as it is played."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        rate, seconds = stream.rate, float(stream.duration * stream.time_base)
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    return frames[0].time + loud[0] / rate if len(loud) else None, seconds

"""The sound of a video, from its first shown frame on and at the speed of a result."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import BlockingIOError, EOFError, FFmpegError
from av.filter import Graph

from aa.data.containers import first_line, open_video

log = logging.getLogger(__name__)

RATE = 48_000  # samples per second, of everything here
MANY, FEW = 1000, 16  # pieces; samples of each on average: coders take 64 and more at once
JITTER = 0.02  # seconds: containers round times, by more than that a sound has a gap


@dataclass(frozen=True)
class Sound:
    """The sound that is heard while a video is shown.

    Attributes:
        path: of the video.
        start: seconds into the file at which its first frame is shown.
        channels: 1 or 2.
        speed: how many of its seconds go into one.
    """

    path: Path
    start: float
    channels: int
    speed: float

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channels."""
        return "mono" if self.channels == 1 else "stereo"

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples, float32 [channels, n] in -1..1, from the first shown frame on.

        Raises:
            FFmpegError, ValueError: they do not decode.
        """
        placed = self._placed()
        same = math.isclose(self.speed, 1, rel_tol=1e-5)
        return placed if same else _at_speed(placed, self.speed, self.layout)

    def _placed(self):
        """Each sample at its time: what is earlier than the first frame is cut, gaps are silent."""
        position = 0  # how many samples have been given
        for samples, seconds in _decode(self.path, self.layout):
            place = position if seconds is None else round((seconds - self.start) * RATE)
            if position and abs(place - position) <= JITTER * RATE:
                place = position
            while position < place:
                silence = np.zeros([self.channels, min(place - position, RATE)], np.float32)
                position += silence.shape[1]
                yield silence
            samples = samples[:, position - place :]
            if samples.shape[1]:
                position += samples.shape[1]
                yield samples


def find_sound(
    path: str | Path, *, start: float, seconds: float, speed: float = 1.0
) -> Sound | None:
    """The sound of a video; None where it has none, or none that decodes, which is logged.

    Args:
        path: the video.
        start: seconds into the file at which its first frame is shown.
        seconds: of the result: as much of the sound is tried.
        speed: of the result against the video.
    """
    if not has_sound(path):
        return None
    try:
        sound = Sound(Path(path), start, _channels(path), speed)
        given = 0
        for samples in sound.blocks():
            given += samples.shape[1]
            if given > seconds * RATE:
                break
    except (FFmpegError, OSError, ValueError) as error:
        reason = first_line(error)
        log.warning("%s: its sound does not decode (%s); the video is made without", path, reason)
        return None
    return sound


def has_sound(path: str | Path) -> bool:
    """Return whether a video says that it has a sound."""
    container, _ = open_video(path)
    with container:
        return bool(container.streams.audio)


def _channels(path: str | Path) -> int:
    container, _ = open_video(path)
    with container:
        context = container.streams.audio[0].codec_context
        if context is None:
            raise ValueError("it is coded in a way that is not known here")
        return min(context.channels, 2)


def _decode(path, layout):
    """Yield (samples [channels, n], their time in seconds or None)."""
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=RATE)
    container, _ = open_video(path)
    heard = 0
    with container:
        for number, frame in enumerate(container.decode(audio=0)):
            heard += frame.samples
            if number > MANY and heard < FEW * number:
                raise ValueError("it comes in pieces of single samples")
            yield from map(_samples, resampler.resample(frame))
        yield from map(_samples, resampler.resample(None))


def _samples(frame):
    return np.nan_to_num(frame.to_ndarray()).clip(-1, 1), frame.time


def _at_speed(blocks, speed, layout):
    """Blocks of samples faster or slower, at the same pitch."""
    graph = Graph()
    clock = Fraction(1, RATE)
    last = graph.add_abuffer(format="fltp", sample_rate=RATE, layout=layout, time_base=clock)
    source, sink = last, graph.add("abuffersink")
    filters = [("atempo", f"{factor:.9f}") for factor in _factors(speed)]
    for name, options in (*filters, ("aformat", "sample_fmts=fltp")):  # atempo has channels mixed
        following = graph.add(name, options)
        last.link_to(following)
        last = following
    last.link_to(sink)
    graph.configure()
    position = 0
    for samples in blocks:
        source.push(audio_frame(samples, layout, position))
        position += samples.shape[1]
        yield from _pulled(sink)
    source.push(None)
    yield from _pulled(sink)


def _factors(speed: float) -> list[float]:
    """Steps of 0.5 to 2 that make a speed together: beyond, `atempo` leaves samples out."""
    count = max(1, math.ceil(abs(math.log2(speed))))
    return [speed ** (1 / count)] * count


def _pulled(sink):
    while True:
        try:
            yield sink.pull().to_ndarray()
        except (BlockingIOError, EOFError):
            return


def audio_frame(samples: np.ndarray, layout: str, position: int) -> av.AudioFrame:
    """Samples [channels, n] as PyAV's frame, the first of which is number `position`."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = RATE, position, Fraction(1, RATE)
    return frame

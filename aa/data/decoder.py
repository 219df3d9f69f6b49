"""Frames of a video file by their number, exact whatever was read before.

Every packet is handed to the decoder under its own number, and its frame comes back under the same:
nothing is counted on the way, and no seek is trusted beyond the packet it arrives at.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.video.frame import PictureType

from aa.data.containers import first_line, open_video, set_strict
from aa.data.indexing import read_index
from aa.data.video_index import VideoIndex
from aa.errors import ClipError

FAR = 8  # packets to a start: from there on seeking is cheaper than decoding


class Decoder:
    """An open video file with its index.

    Args:
        path: the video.
        index: its `VideoIndex` where that is known already.

    Raises:
        ClipError: the file holds no video that can be read.
    """

    def __init__(self, path: Path, index: VideoIndex | None = None) -> None:
        self.path = path
        self.container, self.stream = open_video(path)
        self.index = index or read_index(path, self.container, self.stream)
        self._numbers = {key: number for number, key in enumerate(self.index.keys)}
        self._places = {int(number): place for place, number in enumerate(self.index.order)}
        self._wanted, self._last = set(), -1  # places of the frames requested
        self._first = 0  # the packet that the whole video can be decoded from
        self._running: Iterator | None = None  # what comes out of `_run`
        self._start = self._next = self._shown = -1  # its first packet, the next; the last place
        self._needed = -1  # the packet of the frame in demand
        self._left_out, self._tainted = set(), False  # packets not decoded; whether one failed
        self._prepare()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames as stored, in pixels."""
        return self.stream.height, self.stream.width

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width over height of a pixel, as the file or the stream in it says."""
        return self.stream.sample_aspect_ratio

    @property
    def rates(self) -> list[float]:
        """Frames per second that the file reports, the likeliest first."""
        said = (self.stream.average_rate, self.stream.base_rate, self.stream.guessed_rate)
        return [float(rate) for rate in said if rate]

    def frames(self, places: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode the frames at rising places, each once; yield (place, frame).

        Raises:
            ClipError: a frame does not decode.
        """
        starts, self._wanted, self._last = self.index.starts, set(places), places[-1]
        self._first = int(starts.min())
        for place in places:
            # A keyframe may be none that everything behind it builds on: then from the first on.
            for start in dict.fromkeys((None, int(starts[place]), self._first)):
                frame, reason = self._try(place, start)
                if frame is not None:
                    break
            else:
                raise ClipError(
                    f"{self.path}: frame {place} does not decode ({reason}). "
                    "Re-encode or replace the file."
                )
            yield place, frame

    def _try(self, place, start):
        """The frame at a place, or None and why; where `start` is None only if that can go on."""
        running = self._run(start) if start is not None else self._coming(place)
        if running is None:
            return None, "not begun"
        self._running, self._needed = running, int(self.index.order[place])
        try:
            for number, frame in running:
                self._shown = self._places.get(number, self._shown)
                if self._shown == place and not frame.is_corrupt:
                    return frame, None
                if self._shown >= place:
                    break
            reason = "its data are damaged"
        except (FFmpegError, ValueError) as error:
            reason = first_line(error)
            self._open()  # a decoder may keep frames of before, whatever it is told
        self._running = None
        return None, reason

    def _coming(self, place: int) -> Iterator | None:
        """The frames to come from here, where they have this one and seeking is no shorter way."""
        if self._tainted or place <= self._shown:
            return None
        number, start = int(self.index.order[place]), int(self.index.starts[place])
        if number < self._next:
            return None if number in self._left_out else self._running
        return self._running if self._start <= start < self._next + FAR else None

    def _run(self, start: int) -> Iterator[tuple[Any, av.VideoFrame]]:
        """Decode from a packet on; yield (its packet, frame) in the order shown."""
        self._start = self._next = start
        self._shown, self._left_out, self._tainted, begun = -1, set(), False, False
        for number, packet in self._packets(start):
            context, self._next = self.stream.codec_context, number + 1
            if self.index.leads.get(number) == start:
                self._left_out.add(number)  # what it builds on lies before the start
                continue
            if self._skips:
                context.skip_frame = self._effort(number)
            packet.pts = packet.dts = number
            try:
                frames = context.decode(packet)
            except FFmpegError:
                if number <= self._needed:
                    raise
                self._tainted = True  # the frame in demand does not build on it and is on its way
                break
            for frame in frames:
                begun = begun or self._begins(frame, start)
                yield frame.pts, frame
        yield from ((frame.pts, frame) for frame in self.stream.codec_context.decode(None))

    def _begins(self, frame, start):
        """The first frame out must be the keyframe's: some files flag what is none."""
        if start != self._first and (frame.pts != start or frame.pict_type != PictureType.I):
            raise ValueError("its keyframe is none")
        return True

    def _effort(self, number):
        """Frames that are not requested and that no other one builds on need no decoding."""
        place = self._places.get(number, self._last + 1)
        if place in self._wanted or place > self._last:
            return "DEFAULT"
        self._left_out.add(number)  # it may be left out
        return "NONREF"

    def _packets(self, start):
        """The packets of the video from a number on, as (number, packet)."""
        for packet in self._seek(start):
            if packet.size:
                number = self._numbers.get(self._key(packet))
                if number is None:
                    raise ValueError("the file has changed")
                if number >= start:
                    yield number, packet

    def _seek(self, start):
        """Packets from one at or before the number `start` on."""
        first = None
        with suppress(FFmpegError):  # of a file without an index, or with a wrong one
            self.container.seek(int(self.index.seeks[start]), stream=self.stream, backward=True)
            packets = self.container.demux(self.stream)
            first = next((packet for packet in packets if packet.size), None)
        if first is None or self._numbers.get(self._key(first), start + 1) > start:
            self._open()
            return self.container.demux(self.stream)
        return chain([first], packets)

    def _key(self, packet):
        return (packet.pos, packet.pts) if isinstance(self.index.keys[0], tuple) else packet.pos

    def _open(self) -> None:
        self.container, self.stream = open_video(self.path)
        self._prepare()

    def _prepare(self) -> None:
        is_h264 = self.stream.codec_context.name == "h264"
        self._skips = is_h264  # in other codecs any frame may be built on
        # H.264 that begins in an open group of pictures refers to frames before it, which a strict
        # decoder takes for damage.
        set_strict(self.stream, not (is_h264 and self.index.leads))

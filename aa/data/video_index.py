"""The index of a video from demuxing: which packets show a frame, in which order, when, and where
the decoding of each may start. Decodes nothing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np


class StoredPacket(NamedTuple):
    """One packet of a video stream, in the order stored."""

    pts: int | None  # when its frame is shown, in ticks of the stream
    dts: int | None  # when it is decoded
    pos: int | None  # its place in the file, in bytes
    duration: int  # in ticks, 0 if not reported
    is_key: bool  # decoding may start here
    is_hidden: bool  # an edit list hides its frame
    size: int = 0  # in bytes


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """The packets of a video, numbered as they are stored, and its frames, as they are shown.

    Attributes:
        keys: what tells each packet from all others, packets in the order stored.
        seeks: int64 [P], the ticks to seek to for each packet.
        order: int64 [F], the packet of each frame, frames in the order shown.
        starts: int64 [F], the packet from which each frame decodes exactly.
        seconds: float64 [F], when each frame is shown, from the first one on.
        first_seconds: when the first frame is shown, on the clock of the file.
        last_seconds: how long the last frame stays.
        leads: {packet: keyframe} of frames shown before the keyframe that is stored before them.
    """

    keys: tuple
    seeks: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    seconds: np.ndarray
    first_seconds: float
    last_seconds: float
    leads: dict[int, int]

    @property
    def num_frames(self) -> int:
        return len(self.order)


def is_timed(packets: Sequence[StoredPacket]) -> bool:
    """Return whether every packet has a distinct time."""
    times = {packet.pts for packet in packets}
    return None not in times and len(times) == len(packets)


def index_by_time(packets: Sequence[StoredPacket], tick: float) -> VideoIndex:
    """The index of a video whose packets say when their frames are shown.

    Args:
        packets: all of them, see `is_timed`.
        tick: seconds of a tick.
    """
    times = np.array([packet.pts for packet in packets], np.int64)
    rank = np.empty(len(packets), np.int64)
    rank[np.argsort(times, kind="stable")] = np.arange(len(packets))
    order, starts, leads = _order(packets, rank)
    return _index(packets, order, starts, leads, times[order], tick)


def index_by_decoding(
    packets: Sequence[StoredPacket],
    shown: Iterable[int],
    tick: float,
    *,
    rate: float,
    clock: Literal["pts", "dts"] = "pts",
    from_first: bool = False,
) -> VideoIndex:
    """The index of a video whose frames are shown in the order in which a decoder gives them.

    Args:
        packets: all of them.
        shown: the packets of the frames, in the order shown.
        tick: seconds of a tick.
        rate: frames per second, where the packets have no distinct times.
        clock: which of their times are those of the file.
        from_first: decode every frame from the first keyframe on.
    """
    rank = np.full(len(packets), -1, np.int64)
    for place, number in enumerate(shown):
        rank[number] = place
    order, starts, leads = _order(packets, rank)
    if from_first and len(starts):
        starts[:] = starts.min()
    ticks = [getattr(packets[int(number)], clock) for number in order]
    if None not in ticks and len(set(ticks)) == len(ticks):
        # of the packets, not of the frames that they give: these come in this order
        return _index(packets, order, starts, leads, np.sort(np.array(ticks, np.int64)), tick)
    return _index(packets, order, starts, leads, np.arange(len(order)), 1 / rate)


def _index(packets, order, starts, leads, ticks, tick):
    first = float(ticks[0] * tick) if len(order) else 0.0
    last = packets[int(order[-1])].duration * tick if len(order) else 0.0
    seconds = (ticks - ticks[0]) * tick if len(order) else np.zeros(0)
    keys, seeks = _keys(packets), _seeks(packets)
    return VideoIndex(keys, seeks, order, starts, seconds, first, last, leads)


def _order(packets, rank):
    """Packets of the frames as shown, where to start for each, and which lead their keyframe.

    A frame that is stored behind a keyframe and shown before it (an open group of pictures) needs
    what is stored before the keyframe. Where nothing is, no player shows it.

    Args:
        packets: as stored.
        rank: int [P], rising in the order shown; -1 for a packet that gives no frame.
    """
    starts, leads = {}, {}
    key = before = None  # the keyframe that was last stored, and the one before it
    for number, packet in enumerate(packets):
        if packet.is_key:
            key, before = number, key
        if key is None or rank[number] < 0:
            continue
        if rank[number] < rank[key]:
            leads[number] = key
        start = before if number in leads else key
        if start is not None and not packet.is_hidden:
            starts[number] = start
    order = np.array(sorted(starts, key=lambda number: rank[number]), np.int64)
    return order, np.array([starts[int(number)] for number in order], np.int64), leads


def _keys(packets):
    """Places in the file; where edits show one packet twice, its times."""
    places = tuple(packet.pos for packet in packets)
    unique = len(set(places)) == len(places) and None not in places
    return places if unique else tuple((packet.pos, packet.pts) for packet in packets)


def _seeks(packets):
    ticks = [[t for t in (packet.dts, packet.pts) if t is not None] for packet in packets]
    return np.array([min(times, default=0) for times in ticks], np.int64)


@dataclass(frozen=True)
class Resampling:
    """Frames at a constant rate: which stored frame is seen at each, and how many a second."""

    frames: np.ndarray  # int64 [N], numbers of stored frames
    fps: float


def at_constant_rate(index: VideoIndex, rates: Sequence[float]) -> Resampling:
    """The frames of a video at a constant rate.

    Where every frame is shown within half a frame of its turn at one of `rates`, these are all
    frames, each once. Otherwise the rate varies, and frames are repeated or left out by time, at
    the rate of the video's fast parts.

    Args:
        index: of the video.
        rates: frames per second that the file reports, the likeliest first.

    Raises:
        ValueError: its times span more than any video.
    """
    seconds = index.seconds
    everything = np.arange(len(seconds))
    mean = float((len(seconds) - 1) / seconds[-1]) if len(seconds) > 1 and seconds[-1] > 0 else None
    rates = [rate for rate in (*rates, mean) if rate]
    for rate in rates:
        if np.all(np.abs(seconds * rate - everything) < 0.5):
            return Resampling(everything, rate)
    if mean is None:  # one frame, or all at once
        return Resampling(everything, rates[0] if rates else 1.0)
    rate = _fast_rate(seconds, rates)
    length = seconds[-1] + (index.last_seconds or 1 / rate)
    if length * rate > MOST_TURNS:
        raise ValueError(f"its {len(seconds)} frames span {length:.0f} seconds")
    turns = np.arange(max(1, round(length * rate)))
    # as ffmpeg's fps filter does: a frame is seen from the turn nearest to its time on
    first_turns = np.floor(seconds * rate + 0.5)
    return Resampling(np.searchsorted(first_turns, turns, side="right") - 1, rate)


MOST_RATE = 60.0  # of a video whose rate varies
MOST_TURNS = 10_000_000  # two days of them


def _fast_rate(seconds, rates) -> float:
    """The rate of nine tenths of the steps between frames, as the file reports it if it does."""
    steps = np.diff(seconds)
    rate = min(MOST_RATE, 1 / np.quantile(steps[steps > 0], 0.1))
    near = [said for said in rates if abs(said / rate - 1) < 0.05]
    return near[0] if near else float(rate)

"""Reading the `VideoIndex` of a file: by its packets' times, or by decoding it once."""

from functools import lru_cache
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from aa.data.containers import first_line, open_video, set_strict
from aa.data.video_index import StoredPacket, VideoIndex, index_by_decoding, index_by_time, is_timed
from aa.errors import ClipError

# Packets of these may show nothing, or hold two frames; in an mp4 there is one for each frame.
UNEVEN_CODECS = ("vp8", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263")
EMPTY = 19  # bytes, at most, of a packet that says "no frame" (FFmpeg's MAX_NVOP_SIZE)
# An AVI has no times. Frames of these are shown in the order stored; of others, that is not known.
INTRA_CODECS = ("mjpeg", "png", "rawvideo", "huffyuv", "ffvhuff", "ffv1", "dvvideo")


def read_index(path: Path, container: InputContainer, stream: VideoStream) -> VideoIndex:
    """The index of a video file, by demuxing it.

    Args:
        path: the file.
        container, stream: the same, opened; all of it is read.

    Raises:
        ClipError: the file is damaged.
    """
    try:
        packets = [_stored(packet) for packet in container.demux(stream) if packet.size]
    except FFmpegError as error:
        raise ClipError(
            f"{path}: cannot be read to its end ({first_line(error)}). Copy or encode it again."
        ) from error
    codec, kind = stream.codec_context.name, container.format.name
    uneven = codec in UNEVEN_CODECS and "mp4" not in kind
    unordered = kind == "avi" and codec not in INTRA_CODECS
    if is_timed(packets) and not uneven and not unordered:
        return index_by_time(packets, float(stream.time_base or 1))
    state = path.stat()
    return index_by_decoding(
        packets,
        _decode_once(path, (state.st_size, state.st_mtime_ns)),
        float(stream.time_base or 1),
        rate=float(stream.average_rate or stream.base_rate or 1),
        clock="dts" if kind == "avi" else "pts",  # FFmpeg makes the others up
        # Packed: a packet holds two frames and the next one none. Which gives which depends on
        # where decoding started.
        from_first=codec in UNEVEN_CODECS and any(packet.size <= EMPTY for packet in packets),
    )


@lru_cache(maxsize=4096)  # once in a process, and not in those that it forks
def _decode_once(path, state):
    """The packets of all frames that come out of the decoder, in the order shown."""
    shown = []
    container, stream = open_video(path)
    with container:
        set_strict(stream, True)
        try:
            for number, packet in _from_first_key(container.demux(stream)):
                packet.pts = packet.dts = number
                shown += [frame.pts for frame in stream.codec_context.decode(packet)]
            shown += [frame.pts for frame in stream.codec_context.decode(None)]
        except FFmpegError as error:
            raise ClipError(
                f"{path}: does not decode from end to end ({first_line(error)}), and nothing in it "
                "says when frames are shown. Re-encode or replace the file."
            ) from error
    return tuple(shown)


def _from_first_key(packets):
    begun = False
    for number, packet in enumerate(packet for packet in packets if packet.size):
        begun = begun or packet.is_keyframe
        if begun:
            yield number, packet


def _stored(packet: av.Packet) -> StoredPacket:
    return StoredPacket(
        packet.pts,
        packet.dts,
        packet.pos,
        packet.duration or 0,
        packet.is_keyframe,
        packet.is_discard,
        packet.size,
    )

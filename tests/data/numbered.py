"""Videos whose frames have their number drawn into them, in many encodings."""

import os
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

HEIGHT, WIDTH, SQUARE, BITS = 48, 128, 16, 8


def numbered_frame(number):
    """uint8 [48, 128, 3]: eight black or white squares are the bits of the number."""
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8), SQUARE)
    return np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def numbers_in(frames):
    """The numbers drawn into frames uint8 [F, 48, 128, 3]."""
    middles = frames[:, HEIGHT // 2, SQUARE // 2 :: SQUARE, 1] > 127
    return (middles @ (1 << np.arange(BITS))).tolist()


@contextmanager
def same_scheduling():
    """Context after which the process is scheduled as before: SVT-AV1 makes it a real-time one."""
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)


def write_numbered(path, codec, options, *, count=60, times=None, **stream_values):
    """Encode frames 0, 1, ... at 30 per second, or at `times` in ticks of 1/600 s."""
    with same_scheduling(), av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = stream.codec_context
        for name, value in stream_values.items():
            setattr(context, name, value)
        if times:
            context.time_base = Fraction(1, 600)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number))
            if times:
                frame.pts, frame.time_base = times[number], Fraction(1, 600)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return Path(path)


def copy_packets(source, target, *, first, start=None):
    """Copy the packets from number `first` on; times before `start` (a number) are hidden.

    That is what `ffmpeg -ss <start> -c copy` writes: an edit list hides what lies before.
    """
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copied = new.add_stream_from_template(stream)
        packets = [packet for packet in old.demux(stream) if packet.size]
        zero = sorted(packet.pts for packet in packets)[start] if start else 0
        for packet in packets[first:]:
            packet.pts, packet.dts = packet.pts - zero, packet.dts - zero
            packet.stream = copied
            new.mux(packet)
    return Path(target)


def keyframes(path):
    """The numbers of the packets that are keyframes."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    return [number for number, packet in enumerate(packets) if packet.is_keyframe]

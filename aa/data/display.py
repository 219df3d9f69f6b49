"""Decoded frames as a player shows them: upright, square pixels, whole frames, SDR, in RGB."""

from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter

from aa.data.hdr import TRANSFERS, to_sdr

BT2020 = 9  # the matrix of non-constant luminance, as ITU-T H.273 numbers them


class Display:
    """Turns decoded frames of one video into RGB, all of them to one size.

    Attributes:
        size: (height, width) of what `rgb` gives; None before the first frame.

    Args:
        height, width: of its frames as stored, in pixels.
        pixel_aspect: width over height of a pixel; None where they are square.
    """

    def __init__(self, height: int, width: int, pixel_aspect: Fraction | None = None) -> None:
        # The height stays: of pixels twice as high as wide, half the columns.
        self._stored = height, max(1, round(width * (pixel_aspect or 1)))
        self._reformatter, self.size = VideoReformatter(), None

    def __getstate__(self):
        return {key: value for key, value in vars(self).items() if key != "_reformatter"}

    def __setstate__(self, state):
        self.__dict__ = {**state, "_reformatter": VideoReformatter()}

    def rgb(self, frame: av.VideoFrame) -> np.ndarray:
        """One frame as uint8 RGB [H, W, 3]."""
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if frame.interlaced_frame:
            frame = _deinterlace(frame)
        transfer = TRANSFERS.get(int(frame.color_trc))
        picture = self._reformatter.reformat(
            frame,
            width=self._stored[1],
            height=self._stored[0],
            format="rgb48le" if transfer else "rgb24",
            src_colorspace=BT2020 if transfer else None,
            interpolation=Interpolation.BICUBIC,
            threads=1,  # the loader's processes are the threads
        ).to_ndarray()
        if transfer:
            picture = to_sdr(picture, transfer)
        if matrix is not None:
            picture = _upright(picture, np.frombuffer(bytes(matrix), np.int32))
        self.size = picture.shape[:2]
        return picture


def _upright(picture, matrix):
    """Turned and mirrored as the file's matrix (a b u, c d v, x y w) says, by quarters of a turn.

    A point at (x, y) is shown at (a x + c y, b x + d y).
    """
    a, b, _, c, d, _ = np.sign(matrix[:6])
    if a * d:
        across, down = a, d
    elif b * c:
        picture, across, down = picture.swapaxes(0, 1), c, b
    else:
        return picture
    return picture[::down, ::across]


def _deinterlace(frame: av.VideoFrame) -> av.VideoFrame:
    """One field of a frame, and lines between that are made of it; no other frame is looked at."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 30)
    )
    deinterlacer = graph.add("estdif", "mode=frame:deint=all")
    sink = graph.add("buffersink")
    source.link_to(deinterlacer)
    deinterlacer.link_to(sink)
    graph.configure()
    source.push(frame)
    source.push(None)
    return cast(av.VideoFrame, sink.pull())

"""Writing videos: H.264 mp4 frame by frame, gif, or a folder of png images; one picture."""

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    VideoReformatter,
)
from PIL import Image

from aa.data.containers import address
from aa.data.frame_writer import FrameWriter
from aa.data.sound import Sound
from aa.data.sound_track import SoundTrack
from aa.errors import UserError

# SWS_BILINEAR and SWS_ACCURATE_RND of FFmpeg's swscale.h: PyAV 17 has no name for the second.
BILINEAR_ROUNDED = 0x2 | 0x40000


class VideoWriter(FrameWriter):
    """H.264 mp4 (yuv420p, BT.709, index in front) that browsers play; encodes frame by frame.

    `fps` need not be whole. `height` and `width` must be even: yuv420p halves the colour planes.
    `crf` is x264's quality, 0 (lossless) to 51; 18 looks like the source, small videos need less.
    `hurry` writes larger files of the same quality in less time, in one thread.
    `repeatable` writes the same bytes for the same frames every time and on every host, in one
    thread: x264 otherwise weighs frames a little differently from one encoding to the next.
    `sound` is written beside the frames, as long as they are shown.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        fps: float,
        height: int,
        width: int,
        crf: int = 18,
        hurry: bool = False,
        repeatable: bool = False,
        sound: Sound | None = None,
    ) -> None:
        super().__init__(path, fps=fps, height=height, width=width)
        self.crf, self.hurry, self.sound = crf, hurry, sound
        self.repeatable = repeatable
        self.rate = Fraction(self.fps).limit_denominator(1001)
        if self.height % 2 or self.width % 2:
            raise UserError(
                f"{self.path}: H.264 needs an even height and width, got {height}x{width}. "
                "Choose even sizes or the format gif or png."
            )

    def _open(self) -> None:
        self._temporary.open("wb").close()  # a folder without write permission is found here
        self._container = av.open(
            address(self._temporary), "w", format="mp4", options={"movflags": "faststart"}
        )
        self._stream = self._container.add_stream("libx264", rate=self.rate)
        self._stream.height, self._stream.width = self.height, self.width
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": str(self.crf)}
        context = self._stream.codec_context
        if self.hurry:
            self._stream.options |= {"preset": "ultrafast"}
        if self.repeatable:
            self._stream.options |= {"x264-params": "cpu-independent=1"}
        if self.hurry or self.repeatable:
            context.thread_count = 1
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._reformatter = VideoReformatter()  # of all frames: it keeps what it has worked out
        self._track = SoundTrack(self._container, self.sound) if self.sound else None

    def _write(self, frame: np.ndarray) -> None:
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        yuv = self._reformatter.reformat(
            rgb,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=BILINEAR_ROUNDED,
        )
        self._container.mux(self._stream.encode(yuv))
        if self._track:
            self._track.write_until(float((self.num_frames + 1) / self.rate))

    def _finish(self) -> None:
        self._container.mux(self._stream.encode())
        if self._track:
            self._track.finish(float(self.num_frames / self.rate))
        self._container.close()

    def _abandon(self) -> None:
        self._container.close()


class GifWriter(FrameWriter):
    """Animated gif that loops. Its clock ticks in 1/100 s: the mean rate is kept, at most 50 fps.

    Holds one palette byte per pixel until the end. Equal neighbours become one longer frame.
    """

    def _open(self) -> None:
        self._temporary.open("wb").close()
        self._pictures = []

    def _write(self, frame: np.ndarray) -> None:
        self._pictures.append(Image.fromarray(frame).quantize(256))

    def _finish(self) -> None:
        step = max(100 / self.fps, 2)  # browsers show frames shorter than 2/100 s ten times slower
        ticks = [round(i * step) for i in range(len(self._pictures) + 1)]
        durations = (10 * np.diff(ticks)).tolist()  # milliseconds
        first, *rest = self._pictures
        first.save(
            self._temporary, "gif", save_all=True, append_images=rest, duration=durations, loop=0
        )


class PngWriter(FrameWriter):
    """A folder `<stem>/00000.png`, ... beside where the video would be. Lossless; has no fps."""

    def __init__(self, path: str | Path, *, fps: float, height: int, width: int) -> None:
        super().__init__(Path(path).with_suffix(""), fps=fps, height=height, width=width)

    def _open(self) -> None:
        self._temporary.mkdir()
        if self.path.exists() and not self._is_ours():
            self._temporary.rmdir()
            raise UserError(f"{self.path}: exists and is no folder of png frames. Move it away.")

    def _write(self, frame: np.ndarray) -> None:
        Image.fromarray(frame).save(self._temporary / f"{self.num_frames:05d}.png")

    def _finish(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)

    def _is_ours(self) -> bool:
        return self.path.is_dir() and all(
            file.suffix == ".png" and file.stem.isdigit() for file in self.path.iterdir()
        )


class StillWriter(FrameWriter):
    """One picture as a png file. Has no fps."""

    def _open(self) -> None:
        self._temporary.open("wb").close()

    def _write(self, frame: np.ndarray) -> None:
        if self.num_frames:
            raise UserError(f"{self.path}: holds one picture, and more came.")
        Image.fromarray(frame).save(self._temporary, "png")

    def _finish(self) -> None:
        """The picture is whole."""


WRITERS = {"mp4": VideoWriter, "gif": GifWriter, "png": PngWriter}


def open_writer(
    path: str | Path,
    *,
    format: str,
    fps: float,
    height: int,
    width: int,
    sound: Sound | None = None,
) -> FrameWriter:
    """The writer of `format`, "mp4", "gif" or "png"; its `.path` says what it will have written.

    `sound` is that of an mp4, see `VideoWriter`.
    """
    if format not in WRITERS:
        raise UserError(f"format must be one of {', '.join(WRITERS)}, got {format}.")
    options = cast(dict[str, Any], {"sound": sound} if sound else {})
    return WRITERS[format](path, fps=fps, height=height, width=width, **options)

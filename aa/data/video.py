"""Reading videos. Writing lives in `aa.data.writers` and is offered here as well."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from av.error import FFmpegError

from aa.data.containers import check_container, first_line
from aa.data.decoder import Decoder
from aa.data.display import Display
from aa.data.video_index import at_constant_rate
from aa.data.writers import VideoWriter, open_writer
from aa.errors import ClipError

__all__ = ["VideoReader", "VideoWriter", "check", "is_stretched", "open_pair", "open_writer"]

SHAPE = 0.02  # share of width over height that two may differ by


class VideoReader:
    """Random access to the frames of one video, as a player shows them, at a constant rate.

    Frame i is the same whatever was read before. Survives pickling and forking: it opens anew.
    `num_frames`, `fps` (frames per second), `height` and `width` (pixels) describe the video,
    `start` is when its first frame is shown, in seconds on the clock of the file;
    `note` says in words what was done to bring it to a constant rate, or is None.

    Args:
        path: the video.
        like: the reader of a video that shows the same moments frame by frame, or None. Where both
            have as many frames stored, this one's are repeated and left out as the other's are.

    Raises:
        ClipError: the file is missing, cut short, without frames, or not a video.
    """

    def __init__(self, path: str | os.PathLike, *, like: "VideoReader | None" = None) -> None:
        self.path = Path(path)
        check_container(self.path)
        decoder = Decoder(self.path)
        self._decoder, self._pid, self._index = decoder, os.getpid(), decoder.index
        if not self._index.num_frames:
            raise ClipError(f"{self.path}: holds no frames. Re-encode or replace the file.")
        self._display = Display(*decoder.size, decoder.pixel_aspect)
        if like is not None and like._index.num_frames == self._index.num_frames:
            self._resampling = like._resampling
        else:
            self._resampling = self._at_constant_rate(decoder.rates)
        self.start = self._index.first_seconds
        self.num_frames, self.fps = len(self._resampling.frames), self._resampling.fps

    def _at_constant_rate(self, rates):
        try:
            return at_constant_rate(self._index, rates)
        except ValueError as error:
            raise ClipError(f"{self.path}: {error}. Re-encode or replace the file.") from error

    def __getstate__(self):
        return {**self.__dict__, "_decoder": None, "_pid": None}

    @property
    def height(self) -> int:
        return self._size()[0]

    @property
    def width(self) -> int:
        return self._size()[1]

    @property
    def note(self) -> str | None:
        stored = self._index.num_frames
        if np.array_equal(self._resampling.frames, np.arange(stored)):
            return None
        return (
            f"its frame rate varies: its {stored} frames are taken by time as {self.num_frames} "
            f"at {self.fps:.4g} per second"
        )

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """Decode the frames `indices`, in that order, as uint8 RGB [F, H, W, 3].

        Raises:
            ClipError: an index lies outside the video, or a frame does not decode.
        """
        indices = [int(i) for i in indices]
        if not indices or min(indices) < 0 or max(indices) >= self.num_frames:
            span = f"{min(indices)}..{max(indices)}" if indices else "none"
            raise ClipError(
                f"{self.path}: frames {span} asked for, it has 0..{self.num_frames - 1}"
            )
        stored = self._resampling.frames[indices]
        pictures = np.empty(0)
        for place, frame in self._open().frames(np.unique(stored).tolist()):
            picture = self._shown(place, frame)
            if not len(pictures):
                pictures = np.empty((len(stored), *picture.shape), np.uint8)
            if picture.shape != pictures.shape[1:]:
                raise ClipError(
                    f"{self.path}: frame {place} is turned otherwise than those before. Re-encode "
                    "or replace the file."
                )
            for i in np.flatnonzero(stored == place):
                pictures[i] = picture
        return pictures

    def _shown(self, place, frame):
        """A frame as it is shown, uint8 RGB [H, W, 3]."""
        try:
            return self._display.rgb(frame)
        except (FFmpegError, ValueError) as error:  # colours or fields that no filter knows
            raise ClipError(
                f"{self.path}: frame {place} cannot be shown ({first_line(error)}). Re-encode or "
                "replace the file."
            ) from error

    def check_ends(self) -> None:
        """Decode the first and the last frame; ClipError if they do not."""
        self.read([0, self.num_frames - 1])

    def _size(self):
        return self._display.size or self.read([0]).shape[1:3]

    def _open(self):
        if self._decoder is None or self._pid != os.getpid():  # a fork shares its place in the file
            self._decoder, self._pid = Decoder(self.path, self._index), os.getpid()
        return self._decoder


def check(path: str | os.PathLike) -> VideoReader:
    """Open a video, decode its first and last frame, return its reader; ClipError if bad."""
    reader = VideoReader(path)
    reader.check_ends()
    return reader


def open_pair(video: str | os.PathLike, pose: str | os.PathLike) -> tuple[VideoReader, VideoReader]:
    """Readers of a video and of its pose video; frame i of both is the same moment.

    Raises:
        ClipError: one of them cannot be read.
    """
    reader = VideoReader(video)
    return reader, VideoReader(pose, like=reader)


def is_stretched(video: VideoReader, pose: VideoReader) -> bool:
    """Whether a pose video has another shape than the video that it is laid over."""
    return abs(pose.width * video.height / (pose.height * video.width) - 1) > SHAPE

"""Reading videos. Writing lives in `aa.data.writers` and is offered here as well."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from aa.data.containers import check_container, first_line
from aa.data.writers import VideoWriter, open_writer
from aa.errors import ClipError

__all__ = ["VIDEO_ENDINGS", "VideoReader", "VideoWriter", "check", "open_writer"]

VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi")

# decord's decoding threads do not survive a fork: a child that uses or frees its parent's handle
# waits for ever. Such handles are parked here, unused, until the child ends.
_parents_handles = []


class VideoReader:
    """Random access to the frames of one video. Survives pickling and forking: it opens anew.

    `num_frames`, `fps` (frames per second), `height` and `width` (pixels) describe the video.
    Raises ClipError for a file that is missing, cut short, without frames, or not a video.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._handle, self._pid, self._frame_size = None, None, None
        check_container(self.path)
        handle = self._open()
        self.num_frames = len(handle)
        self.fps = float(handle.get_avg_fps())

    def __getstate__(self):
        return {**self.__dict__, "_handle": None, "_pid": None}

    @property
    def height(self):
        return self._size()[0]

    @property
    def width(self):
        return self._size()[1]

    def read(self, indices):
        """Decode the frames `indices`, in that order, as uint8 RGB [F, H, W, 3].

        Raises ClipError when an index lies outside the video or a frame does not decode.
        """
        indices = [int(i) for i in indices]
        if not indices or min(indices) < 0 or max(indices) >= self.num_frames:
            span = f"{min(indices)}..{max(indices)}" if indices else "none"
            raise ClipError(
                f"{self.path}: frames {span} asked for, it has 0..{self.num_frames - 1}"
            )
        try:
            # Sorted and each once, a batch is one forward pass of the decoder.
            wanted, places = np.unique(indices, return_inverse=True)
            return self._decode(wanted.tolist())[places]
        except Exception as error:  # decord raises DECORDError, RuntimeError, IndexError and others
            self._handle = None  # after an error its decoder is in an unknown state
            raise ClipError(
                f"{self.path}: frames {min(indices)}..{max(indices)} do not all decode "
                f"({first_line(error)}). Re-encode or replace the file."
            ) from error

    def _decode(self, indices):
        """Rising indices -> uint8 RGB [F, H, W, 3]."""
        try:
            return self._open().get_batch(indices).asnumpy()
        except Exception as error:
            # An AVI has no times: where frames are not shown in the order they are stored, decord
            # takes sound ones for damaged.
            untimed = self.path.suffix.lower() == ".avi" and "recovered from" in str(error)
            if "from_size == to_size" not in str(error) and not untimed:
                raise
            # decord cannot copy the padded rows of some widths below 80, such as 16, 24, 48, 72.
            return _decode_from_start(self.path, indices)

    def _size(self):
        if self._frame_size is None:
            self._frame_size = self.read([0]).shape[1:3]
        return self._frame_size

    def _open(self):
        if self._handle is not None and self._pid != os.getpid():
            _parents_handles.append(self._handle)
            self._handle = None
        if self._handle is None:
            try:  # with a fault_tol near 0, a frame replaced by a copy of another is an error
                handle = _decord().VideoReader(
                    str(self.path),
                    num_threads=1,
                    fault_tol=1e-6,  # pyright: ignore[reportArgumentType] - a share of the frames
                )
            except Exception as error:
                raise ClipError(
                    f"{self.path}: holds no readable video ({first_line(error)}). "
                    "Re-encode or replace the file."
                ) from error
            self._handle, self._pid = handle, os.getpid()
        return self._handle


def check(path):
    """Open a video, decode its first and last frame, return its reader; ClipError if bad."""
    reader = VideoReader(path)
    reader.read([0, reader.num_frames - 1])
    return reader


def _decode_from_start(path, indices):
    """What decord's get_batch gives, for small videos: by PyAV, from the first frame on."""
    import av

    wanted, frames = set(indices), []
    with av.open(str(path)) as container:
        for i, frame in zip(range(indices[-1] + 1), container.decode(video=0), strict=False):
            if i in wanted:
                frames.append(frame.to_ndarray(format="rgb24"))
    return np.stack(frames)


@lru_cache(maxsize=1)
def _decord():
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return decord

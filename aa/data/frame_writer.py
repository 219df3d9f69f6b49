"""The base of all writers: size checks, the temporary name, tidying after a failure."""

import errno
import os
import re
import shutil
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import numpy as np

from aa.errors import StorageError, UserError

PARTIAL = re.compile(r"\..+\.\d+\.part")  # the name of a result while it is written
FULL = (errno.ENOSPC, errno.EDQUOT)


class FrameWriter(ABC):
    """A context manager that takes frames and leaves a whole file (or folder) or nothing.

    It writes under a temporary name beside `path` and renames on success. Raises UserError for
    sizes that cannot be and for no frames at all, StorageError for a place that cannot be written.
    """

    def __init__(self, path: str | Path, *, fps: float, height: int, width: int) -> None:
        self.path = Path(path)  # what is there after success
        self.num_frames = 0
        self.fps, self.height, self.width = float(fps), int(height), int(width)
        if not 0.01 <= self.fps < 1000:  # a slower rate would be written as none
            raise UserError(f"{self.path}: fps must lie between 0.01 and 1000, got {fps}.")
        if self.height < 1 or self.width < 1:
            raise UserError(f"{self.path}: a frame needs pixels, got {height}x{width}.")

    def __enter__(self):
        self._temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except OSError as error:
            _remove(self._temporary)
            raise self._cannot_write(error) from error
        return self

    def write(self, frames: np.ndarray) -> None:
        """Append uint8 RGB frames [F, H, W, 3]."""
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.shape[1:] != (self.height, self.width, 3):
            raise UserError(
                f"{self.path}: frames must be uint8 [F, {self.height}, {self.width}, 3], "
                f"got {frames.dtype} {list(frames.shape)}."
            )
        try:
            for frame in frames:
                self._write(frame)
                self.num_frames += 1
        except OSError as error:
            raise self._cannot_write(error) from error

    def __exit__(self, kind, error, traceback):
        whole = False
        try:
            if kind is None and self.num_frames == 0:
                raise UserError(f"{self.path}: no frame was written, so there is no video.")
            if kind is None:
                self._finish()
                os.replace(self._temporary, self.path)
                whole = True
        except OSError as failure:
            raise self._cannot_write(failure) from failure
        finally:
            if not whole:
                with suppress(OSError, ValueError):  # of a file that is thrown away
                    self._abandon()
            _remove(self._temporary)

    @abstractmethod
    def _open(self) -> None:
        """Begin `self._temporary`."""

    @abstractmethod
    def _write(self, frame: np.ndarray) -> None:
        """Take one uint8 frame [H, W, 3]."""

    @abstractmethod
    def _finish(self) -> None:
        """Complete `self._temporary`; it is renamed afterwards."""

    def _abandon(self) -> None:  # noqa: B027 - most formats have nothing to let go of
        """Let go of open files after a failure; `self._temporary` is removed afterwards."""

    def _cannot_write(self, error: OSError) -> StorageError:
        reason = error.strerror or str(error)
        advice = "Make room there, or choose" if error.errno in FULL else "Choose"
        return StorageError(f"{self.path}: cannot be written ({reason}). {advice} another folder.")


def remove_partial(folder: Path) -> None:
    """Remove what writers that were stopped have left in a folder, whichever process they were."""
    for path in list(folder.iterdir()):
        if PARTIAL.fullmatch(path.name):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.is_file():
        path.unlink()

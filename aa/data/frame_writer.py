"""What writers of all formats share: size checks, the temporary name, tidying after a failure."""

import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from aa.errors import UserError


class FrameWriter(ABC):
    """A context manager that takes frames and leaves a whole file (or folder) or nothing.

    It writes under a temporary name beside `path` and renames on success. Raises UserError for
    sizes that cannot be, for no frames at all, and for a place that cannot be written.
    """

    def __init__(self, path, *, fps, height, width):
        self.path = Path(path)  # what is there after success
        self.num_frames = 0
        self.fps, self.height, self.width = float(fps), int(height), int(width)
        if not 0 < self.fps < 1000:
            raise UserError(f"{self.path}: fps must lie between 0 and 1000, got {fps}.")
        if self.height < 1 or self.width < 1:
            raise UserError(f"{self.path}: a frame needs pixels, got {height}x{width}.")

    def __enter__(self):
        self._temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except OSError as error:
            self._remove()
            raise self._cannot_write(error) from error
        return self

    def write(self, frames):
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
        try:
            if kind is not None:
                self._abandon()
            elif self.num_frames == 0:
                self._abandon()
                raise UserError(f"{self.path}: no frame was written, so there is no video.")
            else:
                self._finish()
                os.replace(self._temporary, self.path)
        except OSError as failure:
            raise self._cannot_write(failure) from failure
        finally:
            self._remove()

    @abstractmethod
    def _open(self):
        """Begin `self._temporary`."""

    @abstractmethod
    def _write(self, frame):
        """Take one uint8 frame [H, W, 3]."""

    @abstractmethod
    def _finish(self):
        """Complete `self._temporary`; it is renamed afterwards."""

    def _abandon(self):  # noqa: B027 - most formats have nothing to let go of
        """Let go of open files after a failure; `self._temporary` is removed afterwards."""

    def _remove(self):
        if self._temporary.is_dir():
            shutil.rmtree(self._temporary)
        elif self._temporary.is_file():
            self._temporary.unlink()

    def _cannot_write(self, error):
        reason = error.strerror or str(error)
        return UserError(f"{self.path}: cannot be written ({reason}). Choose another folder.")

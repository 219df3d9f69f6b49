"""Poses of one person in the frames of a video: where each point is, and how surely it was seen."""

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from aa.errors import UserError, reason
from aa.files import missing, replacing
from aa.poses.skeleton import NUM_POINTS, PARTS

VERSION = 1  # of the file
MOST_BYTES = 500_000_000  # of a file: an hour at 60 frames per second has some 300 MB
MIN_SCORE = 0.3  # a point with less is not used: it was guessed
ADVICE = "Make it again with driving=<video>, or give a pose video."


@dataclass(frozen=True)
class Poses:
    """Points of one person; F frames, 128 points in the order of `aa.poses.skeleton`.

    Attributes:
        points: x, y in pixels of the frame, float32 [F, 128, 2]; whole numbers are pixel centres.
        scores: how surely each was seen, 0..1, float32 [F, 128]; 0 where there is none.
        height, width: of the frame, in pixels.
        fps: frames per second.
    """

    points: np.ndarray
    scores: np.ndarray
    height: int
    width: int
    fps: float

    def __post_init__(self) -> None:
        frames = len(self.points)
        assert self.points.shape == (frames, NUM_POINTS, 2), self.points.shape
        assert self.scores.shape == (frames, NUM_POINTS), self.scores.shape

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, part: slice) -> "Poses":
        return self.with_points(self.points[part], self.scores[part])

    def with_points(self, points: np.ndarray, scores: np.ndarray | None = None) -> "Poses":
        """Return these poses with other points [F, 128, 2], and other scores [F, 128] if given."""
        scores = self.scores if scores is None else scores
        return replace(self, points=points.astype("float32"), scores=scores.astype("float32"))

    @property
    def seen(self) -> np.ndarray:
        """Which points were seen well enough to be used: bool [F, 128]."""
        return self.scores >= MIN_SCORE

    def resized(self, height: int, width: int) -> "Poses":
        """Return the poses in a frame of another size, stretched with it."""
        scale = np.array([width / self.width, height / self.height])
        points = (self.points + 0.5) * scale - 0.5
        return replace(self.with_points(points), height=height, width=width)

    def save(self, path: str | Path) -> None:
        """Write an .npz file: arrays `body`, `face`, `left_hand` and `right_hand`, each float32
        [F, points, 3] of x, y and score, `size` as height and width, `fps` and `version`.

        Raises:
            OSError: it cannot be written.
        """
        values = np.concatenate([self.points, self.scores[..., None]], axis=2).astype("float32")
        arrays: dict[str, Any] = {name: values[:, part] for name, part in PARTS.items()}
        arrays |= {"size": [self.height, self.width], "fps": self.fps, "version": VERSION}
        with replacing(path) as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Poses":
        """Read what `save` has written, or somebody has made of it.

        Raises:
            UserError: there is no such file, or it holds something else.
        """
        arrays = _read_arrays(Path(path))
        version = arrays.get("version")
        if version is None or version.shape or int(version) != VERSION:
            raise UserError(
                f"{path}: its poses are of version {'none' if version is None else version}, "
                f"this code reads {VERSION}. {ADVICE}"
            )
        body = arrays.get("body")
        frames = len(body) if body is not None and body.ndim else 0
        parts = []
        for name, part in PARTS.items():
            shape = (frames, part.stop - part.start, 3)
            parts.append(_checked(path, arrays, name, shape))
        values = np.concatenate(parts, axis=1).astype("float32")
        size = _checked(path, arrays, "size", (2,))
        fps = float(_checked(path, arrays, "fps", ()))
        good = frames and (size >= 1).all() and (size == size.round()).all() and 0.01 <= fps < 1000
        if not good or not 0 <= values[..., 2].min() <= values[..., 2].max() <= 1:
            raise UserError(
                f"{path}: holds {frames} frames of {size[1]:g}x{size[0]:g} at {fps:g} per second, "
                f"scores {values[..., 2].min(initial=1):g} to {values[..., 2].max(initial=0):g}; "
                "expected one or more, sizes in whole pixels, 0.01 to 1000 frames per second and "
                f"scores from 0 to 1. {ADVICE}"
            )
        height, width = (int(value) for value in size)
        return cls(values[..., :2], values[..., 2], height, width, fps)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file; never pickles."""
    if not path.is_file():
        raise UserError(f"{path}: {missing(str(path), 'file')}. Check the path.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > MOST_BYTES:
            raise UserError(f"{path}: unpacks to {size} bytes, at most {MOST_BYTES} are read.")
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except UserError:
        raise
    except Exception as error:  # of zipfile, zlib and numpy, of many kinds
        raise UserError(f"{path}: no file of poses ({reason(error)}). {ADVICE}") from error


def _checked(
    path: str | Path, arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]
) -> np.ndarray:
    """An array of finite numbers of that shape."""
    array = arrays.get(name)
    found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
    if array is None or array.shape != shape or array.dtype.kind not in "fiu":
        raise UserError(f"{path}: {name} is {found}, expected numbers {list(shape)}. {ADVICE}")
    if not np.isfinite(array).all():
        raise UserError(f"{path}: {name} holds values that are no numbers. {ADVICE}")
    return array

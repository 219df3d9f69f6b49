"""Files of an animation: the result, a side-by-side, the poses that were drawn."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np

from aa.data.case_names import BESIDE
from aa.data.frame_writer import FrameWriter
from aa.data.transforms import fit_frames
from aa.data.writers import StillWriter, VideoWriter, open_writer
from aa.inference.driving import POSES
from aa.inference.opening import Frames, Scene


class Outputs:
    """Writes what a case makes into a run folder, as its frames come.

    The side-by-side shows reference | pose | result; of a case that a raw video drives, reference |
    driver | pose | result, and `poses/<name>.mp4` has the poses alone.

    Args:
        folder: the run folder.
        name: of the case.
        scene: its inputs.
        format: "mp4", "gif" or "png".
        fit: how other shapes are brought to the result's, see `fit_frames`.
    """

    def __init__(self, folder: Path, name: str, scene: Scene, *, format: str, fit: str) -> None:
        self.folder, self.name, self.scene, self.fit = folder, name, scene, fit
        self.format = format
        # A decoder of their own: the pipeline may be far ahead of what is written.
        self._shown_poses = deepcopy(scene.poses)
        panels = 4 if scene.driver else 3
        self.result = self._writer(name, scene.width)
        self.beside = self._writer(f"{name}{BESIDE}", scene.width * panels)
        self.poses = self._poses_writer() if scene.driver else None

    def write(
        self, frames: Iterable[np.ndarray], *, done: Callable[[int], object] = int
    ) -> dict[str, str]:
        """Write frames, float32 [n, H, W, 3] in 0..1, as they come.

        Args:
            done: called with the number of frames that are written.

        Returns:
            the SHA-256 of the frames before their encoding, by type.
        """
        scene, count = self.scene, 0
        hashes = {"float32": sha256(), "uint8": sha256()}
        reference = self._fitted(np.asarray(scene.reference)[None])
        with ExitStack() as stack:
            for writer in filter(None, (self.result, self.beside, self.poses)):
                stack.enter_context(writer)
            for chunk in frames:
                chunk = np.asarray(chunk, "float32")
                result = to_uint8(chunk)
                hashes["float32"].update(cast(Any, np.ascontiguousarray(chunk)))
                hashes["uint8"].update(cast(Any, np.ascontiguousarray(result)))
                part = slice(count, count + len(result))
                pose, driver = (
                    self._fitted(self._shown_poses[part]),
                    self._driver(scene.driver, part),
                )
                self.result.write(result)
                row = [np.repeat(reference, len(result), 0), *driver, pose, result]
                self.beside.write(np.concatenate(row, axis=2))
                if self.poses:
                    self.poses.write(pose)
                count += len(result)
                done(count)
        return {key: value.hexdigest() for key, value in hashes.items()}

    def _writer(self, name: str, width: int) -> FrameWriter:
        scene = self.scene
        sizes: dict[str, Any] = {"fps": scene.fps, "height": scene.height, "width": width}
        if scene.still:
            return StillWriter(self.folder / f"{name}.png", **sizes)
        path = self.folder / f"{name}.{self.format}"
        return open_writer(path, format=self.format, sound=scene.sound, **sizes)

    def _poses_writer(self) -> FrameWriter:
        scene, path = self.scene, self.folder / POSES / self.name
        sizes: dict[str, Any] = {"fps": scene.fps, "height": scene.height, "width": scene.width}
        if scene.still:
            return StillWriter(path.with_name(f"{self.name}.png"), **sizes)
        return VideoWriter(path.with_name(f"{self.name}.mp4"), **sizes)

    def _driver(self, driver: Frames | None, part: slice) -> list[np.ndarray]:
        return [self._fitted(driver[part])] if driver else []

    def _fitted(self, frames: np.ndarray) -> np.ndarray:
        return fit_frames(frames, (self.scene.height, self.scene.width), fit=self.fit)


def to_uint8(frames: np.ndarray) -> np.ndarray:
    """Frames in 0..1 as uint8, rounded."""
    return np.round(np.asarray(frames) * 255).astype(np.uint8)

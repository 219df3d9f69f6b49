"""An inference run: every case to its video, a side-by-side, and the record of both."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from aa.config.inference import InferenceConfig
from aa.data.case_names import BESIDE
from aa.data.frame_writer import FrameWriter, remove_partial
from aa.data.sound import Sound
from aa.data.transforms import fit_frames
from aa.data.writers import open_writer
from aa.errors import StorageError, UserError
from aa.files import write_json
from aa.inference.attempts import Attempts
from aa.inference.cases import Case
from aa.inference.made import MadeVideos
from aa.inference.opening import check_case, open_case, result_size, result_sound, say_changes
from aa.inference.stopping import interruptible
from aa.plain import printable
from aa.runs.fingerprints import fingerprint
from aa.runs.snapshots import write_snapshot

if TYPE_CHECKING:
    from aa.inference.pipeline import Pose2VideoPipeline

log = logging.getLogger(__name__)


class InferenceRun:
    """Animates cases one after the other into a run folder.

    Of a list, those that can be made are made, whatever becomes of the others.

    Args:
        folder: the run folder.
        cases: to animate.
        options: of the animations.
        weights: the weights' files.
        cases_file: the list that the cases are of, None for a single one.
        precision: returns the context of the run's precision.
        resumed: what the folder has is not made again.
        config: of the run, as plain values for its records.
    """

    def __init__(
        self,
        folder: Path,
        cases: list[Case],
        *,
        options: InferenceConfig,
        weights: list[Path],
        cases_file: str | None,
        precision: Callable[[], contextlib.AbstractContextManager[Any]],
        resumed: bool,
        config: dict[str, Any],
    ) -> None:
        self.folder, self.cases, self.options, self.weights = folder, cases, options, weights
        self.cases_file, self.precision, self.resumed = cases_file, precision, resumed
        self.config = config
        self.signals = []  # that came
        self.attempts = Attempts(tolerant=cases_file is not None, signals=self.signals)
        self.results: dict[str, Any] = {}
        self.good: list[Case] = []
        self.bad: set[Case] = set()

    def check(self) -> list[Case]:
        """Find what is made already, check all other cases and return those to make.

        Raises:
            UserError: no case can be made.
            Interrupted: a signal came.
        """
        with self._tidied():
            remove_partial(self.folder)
            self.made = MadeVideos(self.folder, self.config, self.weights, resumed=self.resumed)
            self.results = {c.name: result for c in self.cases if (result := self.made.find(c))}
            missing = [case for case in self.cases if case.name not in self.results]
            self.good = [case for case in missing if self.attempts.attempt(self._check, case)]
            self.bad = set(missing) - set(self.good)
            if not self.cases:
                log.info("cases_shard=%s: the list has no case for it", self.config["cases_shard"])
            if self.results:
                log.info("%d of %d videos are made already", len(self.results), len(self.cases))
            if self.bad and not self.good and not self.results:
                self._write_summary()
                raise self._error("Mend the files, or the list.")
        return self.good

    def animate(self, pipeline: "Pose2VideoPipeline | None") -> None:
        """Make the videos of the cases that `check` found; prints where they are.

        Args:
            pipeline: None where there is no case to make.

        Raises:
            UserError: a case cannot be made; of a list, when all the others are.
            Interrupted: a signal came.
        """
        with self._tidied():
            self._write_snapshot([case for case in self.cases if case not in self.bad])
            say_changes(self.good, self.options)
            for case in self.good:
                if result := self.attempts.attempt(partial(self._make, pipeline), case):
                    self.results[case.name] = result
            self._write_summary()
            if self.attempts.failed:
                raise self._error(f"Mend them and go on: resume={self.folder}")

    @contextlib.contextmanager
    def _tidied(self) -> Iterator[None]:
        """Context that leaves nothing half-done, whatever ends it."""
        with interruptible(partial(remove_partial, self.folder), self.signals):
            try:
                yield
            except StorageError as error:
                raise StorageError(f"{error} Then go on: resume={self.folder}") from error

    def _check(self, case: Case) -> Case:
        check_case(case, self.options)
        return case

    def _make(self, pipeline: Any, case: Case) -> dict[str, Any]:
        result = self._animate(pipeline, case)
        self.made.add(case, result)
        return result

    def _write_snapshot(self, cases: list[Case]) -> None:
        inputs = cast(
            list[str | Path], [path for case in cases for path in (case.reference, case.pose)]
        )
        inputs += [self.cases_file] if self.cases_file else []
        write_snapshot(self.folder, self.config, fingerprint([*inputs, *self.weights]))

    def _write_summary(self) -> None:
        videos = [self.results[case.name] for case in self.cases if case.name in self.results]
        summary = {"videos": videos, "failed": self.attempts.failed}
        write_json(self.folder / "summary.json", summary)

    def _error(self, advice: str) -> UserError:
        return self.attempts.error(len(self.cases), advice)

    def _animate(self, pipeline: Any, case: Case) -> dict[str, Any]:
        reference, poses = open_case(case, self.options)
        height, width = result_size(poses, self.options)
        fps, sound = self.options.fps or poses.reader.fps, result_sound(poses, self.options)
        log.info("%s: %d frames of %dx%d", case.name, len(poses), width, height)
        start = time.perf_counter()
        frames = pipeline.frames(
            reference,
            poses,
            width=width,
            height=height,
            progress=True,
            options=self.options,
        )
        with self.precision():
            writers = self._open_writers(case.name, height, width, fps, sound)
            hashes = self._write(writers, frames, reference, poses)
        seconds = time.perf_counter() - start
        video, beside = (str(writer.path) for writer in writers)
        print(f"video:        {printable(video)}")
        print(f"side by side: {printable(beside)}  ({seconds:.1f} s)")
        return {
            "reference": str(case.reference),
            "pose": str(case.pose),
            "video": video,
            "side_by_side": beside,
            "frames": len(poses),
            "width": width,
            "height": height,
            "fps": fps,
            "sound": sound is not None,
            "seconds": round(seconds, 3),
            "sha256_of_frames": hashes,
        }

    def _open_writers(
        self, name: str, height: int, width: int, fps: float, sound: Sound | None
    ) -> tuple[FrameWriter, FrameWriter]:
        """Writers of the result, and of reference | pose | result."""
        end = self.options.format
        options = cast(
            dict[str, Any], {"format": end, "fps": fps, "height": height, "sound": sound}
        )
        alone = open_writer(self.folder / f"{name}.{end}", width=width, **options)
        beside = open_writer(self.folder / f"{name}{BESIDE}.{end}", width=width * 3, **options)
        return alone, beside

    def _write(self, writers, frames, reference, poses):
        """Write both videos as the frames come.

        Returns:
            the SHA-256 of the frames before their encoding, by type.
        """
        alone, beside = writers
        size = alone.height, alone.width
        left = fit_frames(np.asarray(reference)[None], size, fit=self.options.fit)
        done, hashes = 0, {"float32": sha256(), "uint8": sha256()}
        with alone, beside:
            for chunk in frames:
                chunk = np.asarray(chunk, "float32")
                result = to_uint8(chunk)
                hashes["float32"].update(cast(Any, np.ascontiguousarray(chunk)))
                hashes["uint8"].update(cast(Any, np.ascontiguousarray(result)))
                pose = fit_frames(poses[done : done + len(result)], size, fit=self.options.fit)
                alone.write(result)
                beside.write(np.concatenate([np.repeat(left, len(pose), 0), pose, result], axis=2))
                done += len(result)
        return {key: h.hexdigest() for key, h in hashes.items()}


def autocast(device: str, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Context in which Paddle computes in a precision on a device; weights stay float32."""
    if device == "cpu" or precision == "float32":
        return contextlib.nullcontext()
    import paddle

    return paddle.amp.auto_cast(True, level="O1", dtype=cast(Any, precision))


def to_uint8(frames: np.ndarray) -> np.ndarray:
    """Frames in 0..1 as uint8, rounded."""
    return np.round(np.asarray(frames) * 255).astype(np.uint8)

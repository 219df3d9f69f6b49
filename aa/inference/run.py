"""An inference run: every case to its video, a side-by-side, and the record of both."""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from aa.config.primary import InferConfig, TrainConfig
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
from aa.weights.folders import open_folder, weights_files

if TYPE_CHECKING:
    from aa.inference.pipeline import Pose2VideoPipeline

log = logging.getLogger(__name__)


class InferenceRun:
    """Animates cases one after the other into a run folder.

    Of a list, those that can be made are made, whatever becomes of the others.

    Args:
        config: checked; with `resume`, what the folder has is not made again.
        folder: the run folder.
        cases: to animate.
        load_pipeline: called when there is a case to make.
    """

    def __init__(
        self,
        config: InferConfig,
        folder: Path,
        cases: list[Case],
        load_pipeline: "Callable[[], Pose2VideoPipeline]",
    ) -> None:
        self.config, self.options, self.folder = config, config.inference, folder
        self.cases, self.load_pipeline = cases, load_pipeline
        self.signals = []  # that came
        self.attempts = Attempts(tolerant=config.cases is not None, signals=self.signals)

    def run(self) -> None:
        """Check all cases, then make all videos; prints where they are.

        Raises:
            UserError: a case cannot be made; of a list, when all the others are.
            Interrupted: a signal came.
        """
        tidy = partial(remove_partial, self.folder)
        with interruptible(tidy, self.signals):
            try:
                self._run()
            except StorageError as error:
                raise StorageError(f"{error} Then go on: resume={self.folder}") from error

    def _run(self) -> None:
        remove_partial(self.folder)
        weights = weights_files(open_folder(self.config.weights))
        made = MadeVideos(self.folder, self.config, weights, resumed=bool(self.config.resume))
        results = {case.name: result for case in self.cases if (result := made.find(case))}
        missing = [case for case in self.cases if case.name not in results]
        good = [case for case in missing if self.attempts.attempt(self._check, case)]
        if not self.cases:
            log.info("cases_shard=%s: the list has no case for it", self.config.cases_shard)
        if results:
            log.info("%d of %d videos are made already", len(results), len(self.cases))
        if missing and not good and not results:
            self._write_summary(results)
            raise self._error("Mend the files, or the list.")
        pipeline = self.load_pipeline() if good else None
        unreadable = set(missing) - set(good)
        self._write_snapshot(weights, [case for case in self.cases if case not in unreadable])
        say_changes(good, self.options)
        for case in good:
            if result := self.attempts.attempt(partial(self._make, pipeline, made), case):
                results[case.name] = result
        self._write_summary(results)
        if self.attempts.failed:
            raise self._error(f"Mend them and go on: resume={self.folder}")

    def _check(self, case: Case) -> Case:
        check_case(case, self.options)
        return case

    def _make(self, pipeline: Any, made: MadeVideos, case: Case) -> dict[str, Any]:
        result = self._animate(pipeline, case)
        made.add(case, result)
        return result

    def _write_snapshot(self, weights: list[Path], cases: list[Case]) -> None:
        inputs = cast(
            list[str | Path], [path for case in cases for path in (case.reference, case.pose)]
        )
        inputs += [self.config.cases] if self.config.cases else []
        write_snapshot(self.folder, self.config, fingerprint([*inputs, *weights]))

    def _write_summary(self, results: dict[str, Any]) -> None:
        videos = [results[case.name] for case in self.cases if case.name in results]
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
        with autocast(self.config):
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


def autocast(config: TrainConfig | InferConfig) -> contextlib.AbstractContextManager[Any]:
    """Context in which Paddle computes in the precision of a config; weights stay float32."""
    if config.hardware.device == "cpu" or config.precision == "float32":
        return contextlib.nullcontext()
    import paddle

    return paddle.amp.auto_cast(True, level="O1", dtype=cast(Any, config.precision))


def to_uint8(frames: np.ndarray) -> np.ndarray:
    """Frames in 0..1 as uint8, rounded."""
    return np.round(np.asarray(frames) * 255).astype(np.uint8)

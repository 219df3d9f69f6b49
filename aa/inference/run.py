"""An inference run: every case to its video, a side-by-side, and the record of both."""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aa.config.primary import InferConfig, TrainConfig
from aa.data.frame_writer import remove_partial
from aa.errors import StorageError, UserError
from aa.files import write_json
from aa.inference.attempts import Attempts
from aa.inference.cases import Case
from aa.inference.driving import DrivenPoses
from aa.inference.guidance import warn_of_guidance
from aa.inference.made import MadeVideos
from aa.inference.opening import check_poses, open_scene, say_changes
from aa.inference.outputs import Outputs
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
        self.driven = DrivenPoses(
            folder,
            self.options,
            config.poses,
            num_threads=config.hardware.num_threads or None,
        )
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
        if good:
            warn_of_guidance(self.config.weights, self.options.guidance_scale)
        for case in good:
            if result := self.attempts.attempt(partial(self._make, pipeline, made), case):
                results[case.name] = result
        self._write_summary(results)
        if self.attempts.failed:
            raise self._error(f"Mend them and go on: resume={self.folder}")

    def _check(self, case: Case) -> Case:
        check_poses(case, self.options)
        if self.driven.is_made(case):
            self.driven.make(case)
        else:
            open_scene(case, self.options, None)
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
        scene = open_scene(
            case,
            self.options,
            self.driven.load(case),
            min_score=self.config.poses.min_score,
        )
        height, width, count = scene.height, scene.width, len(scene.poses)
        log.info("%s: %d frames of %dx%d", case.name, count, width, height)
        start = time.perf_counter()
        frames = pipeline.frames(
            scene.reference,
            scene.poses,
            width=width,
            height=height,
            progress=True,
            options=self.options,
        )
        options = self.options
        outputs = Outputs(self.folder, case.name, scene, format=options.format, fit=options.fit)
        with autocast(self.config):
            hashes = outputs.write(frames)
        seconds = time.perf_counter() - start
        video, beside = str(outputs.result.path), str(outputs.beside.path)
        print(f"{'picture' if scene.still else 'video'}:".ljust(14) + printable(video))
        print(f"side by side: {printable(beside)}  ({seconds:.1f} s)")
        return {
            "reference": str(case.reference),
            "pose": str(case.pose),
            "driving": case.driving,
            "video": video,
            "side_by_side": beside,
            "frames": count,
            "width": width,
            "height": height,
            "fps": scene.fps,
            "sound": scene.sound is not None,
            "seconds": round(seconds, 3),
            "sha256_of_frames": hashes,
        }


def autocast(config: TrainConfig | InferConfig) -> contextlib.AbstractContextManager[Any]:
    """Context in which Paddle computes in the precision of a config; weights stay float32."""
    if config.hardware.device == "cpu" or config.precision == "float32":
        return contextlib.nullcontext()
    import paddle

    return paddle.amp.auto_cast(True, level="O1", dtype=cast(Any, config.precision))

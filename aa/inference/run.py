"""An inference run: every case to its video, a side-by-side, and the record of both."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aa.config.inference import InferenceConfig
from aa.data.frame_writer import remove_partial
from aa.errors import StorageError, UserError
from aa.files import write_json
from aa.inference.attempts import Attempts
from aa.inference.cases import Case
from aa.inference.driving import DrivenPoses
from aa.inference.learned import warn_of_options
from aa.inference.made import MadeVideos
from aa.inference.opening import check_poses, open_scene, say_changes
from aa.inference.outputs import Outputs
from aa.inference.stopping import interruptible
from aa.inference.watching import Watch
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
        driven: makes the poses of cases that a raw video drives.
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
        driven: DrivenPoses,
        weights: list[Path],
        cases_file: str | None,
        precision: Callable[[], contextlib.AbstractContextManager[Any]],
        resumed: bool,
        config: dict[str, Any],
    ) -> None:
        self.folder, self.cases, self.options, self.weights = folder, cases, options, weights
        self.cases_file, self.precision, self.resumed = cases_file, precision, resumed
        self.driven, self.config = driven, config
        self.watch = Watch(folder, preview_every=config.get("preview_every", 0))
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

    def stop_at_poses(self) -> None:
        """End with what `check` has found and made, as a run that can be resumed."""
        self._write_snapshot(self.good)
        if self.attempts.failed:
            raise self._error("Mend them.")

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
            if self.good:
                warn_of_options(self.config["weights"], self.options)
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
        self.driven.check(case)
        check_poses(case, self.options)
        if self.driven.is_made(case):
            self.driven.make(case)
        else:
            open_scene(case, self.options, None)
        return case

    def _make(self, pipeline: Any, case: Case) -> dict[str, Any]:
        result = self._animate(pipeline, case)
        if own := self.driven.reference_file(case):
            result["reference_pose"] = str(own)
        self.watch.end()
        self.made.add(case, result)
        return result

    def _write_snapshot(self, cases: list[Case]) -> None:
        inputs = cast(list[str | Path], [path for case in cases for path in case.files])
        inputs += [self.cases_file] if self.cases_file else []
        write_snapshot(self.folder, self.config, fingerprint([*inputs, *self.weights]))

    def _write_summary(self) -> None:
        videos = [self.results[case.name] for case in self.cases if case.name in self.results]
        summary = {"videos": videos, "failed": self.attempts.failed}
        write_json(self.folder / "summary.json", summary)

    def _error(self, advice: str) -> UserError:
        return self.attempts.error(len(self.cases), advice)

    def _animate(self, pipeline: Any, case: Case) -> dict[str, Any]:
        drawing = {"min_score": self.driven.settings.min_score}
        made = self.driven.load(case), self.driven.load_reference(case)
        scene = open_scene(case, self.options, *made, **drawing)
        height, width, count = scene.height, scene.width, len(scene.poses)
        log.info("%s: %d frames of %dx%d", case.name, count, width, height)
        start = time.perf_counter()
        self.watch.begin(case.name, self.good.index(case) + 1, len(self.good))
        frames = pipeline.frames(
            scene.reference,
            scene.poses,
            width=width,
            height=height,
            reference_pose=scene.reference_pose,
            progress=True,
            watch=self.watch,
            options=self.options,
        )
        options = self.options
        outputs = Outputs(self.folder, case.name, scene, format=options.format, fit=options.fit)
        with self.precision():
            hashes = outputs.write(frames, done=self.watch.frames)
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


def autocast(device: str, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Context in which Paddle computes in a precision on a device; weights stay float32."""
    if device == "cpu" or precision == "float32":
        return contextlib.nullcontext()
    import paddle

    return paddle.amp.auto_cast(True, level="O1", dtype=cast(Any, precision))

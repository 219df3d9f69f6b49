"""Poses of cases that a raw video or picture drives: detected, cleaned, aligned to the image."""

import logging
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from PIL import Image

from aa.config.inference import InferenceConfig
from aa.config.poses import PosesConfig
from aa.data.poses import PosePicture, PoseVideo
from aa.errors import UserError
from aa.files import write_json
from aa.inference.cases import Case
from aa.inference.opening import open_motion, open_reference
from aa.inference.reference_pose import check_reference_pose
from aa.plain import printable
from aa.poses import Cleaning, Poses, align_poses, clean_poses, detect_poses, draw_overlay
from aa.poses.detect import choose_detector
from aa.poses.skeleton import FACE, LEFT_HAND, RIGHT_HAND
from aa.runs.fingerprints import fingerprint

log = logging.getLogger(__name__)

# Names in a run folder.
POSES, DETECTED, REFERENCE, OVERLAY = "poses", "detected", "reference", "_overlay.png"


class DrivenPoses:
    """Makes the poses of cases and keeps them in a run folder, below `poses/`:

    <case>.npz, the poses as they are drawn, .json, what was done with them, _overlay.png, the
    first over the image; detected/<hash>.npz, as detected, to be used again; reference/<case>.npz,
    the pose of the image, for weights that have it as input.

    Args:
        folder: the run folder.
        options: of the animation.
        poses: of detection and cleaning.
        num_threads: of detection; None leaves it to the library.
        reference_pose: whether the weights have the pose of the image as input.
    """

    def __init__(
        self,
        folder: Path,
        options: InferenceConfig,
        poses: PosesConfig,
        *,
        num_threads: int | None = None,
        reference_pose: bool = False,
    ) -> None:
        self.folder, self.options, self.settings = folder / POSES, options, poses
        self.num_threads, self.reference_pose = num_threads, reference_pose

    def mode(self, case: Case) -> Literal["none", "scale", "limbs"]:
        """How the poses of a case are aligned."""
        default = "limbs" if case.driving else "none"
        return cast(Literal["none", "scale", "limbs"], self.options.align or default)

    def is_made(self, case: Case) -> bool:
        """Return whether the poses of a case are made here: else they are taken as they are."""
        return case.driving or (case.pose.suffix.lower() == ".npz" and self.mode(case) != "none")

    def load(self, case: Case) -> Poses | None:
        """Read the poses that `make` has made; None where a case's own are taken."""
        return Poses.load(self.folder / f"{case.name}.npz") if self.is_made(case) else None

    def check(self, case: Case) -> None:
        """Check that a case has the pose of its image where the weights want it, and only then.

        Raises:
            UserError: it has not.
        """
        check_reference_pose(
            wanted=self.reference_pose,
            given=self.reference_file(case) is not None,
            advice="add reference_pose=<picture of its skeleton, or .npz of poses>; with "
            "driving=<video> it is detected",
            whose=f"{case.reference}: ",
        )

    def load_reference(self, case: Case) -> Poses | None:
        """Read the pose that `make` has found in the image of a case; None where it was given."""
        file = self.reference_file(case)
        return None if file is None or case.reference_pose is not None else Poses.load(file)

    def reference_file(self, case: Case) -> Path | None:
        """The file of the pose of a case's image: as given, or of `make`; None: it has none."""
        if case.reference_pose is not None:
            return case.reference_pose
        made = self.reference_pose and self.is_made(case)
        return self.folder / REFERENCE / f"{case.name}.npz" if made else None

    def make(self, case: Case) -> None:
        """Make the poses of a case.

        Raises:
            UserError: nobody is found, or a file cannot be read.
        """
        reference = open_reference(case, self.options)
        motion = open_motion(case, self.options)
        report: dict[str, Any] = {"source": str(case.pose), "reference": str(case.reference)}
        if isinstance(motion, Poses):
            driving = motion
        else:
            driving, cleaning, detector = self._detected(case, motion)
            report |= {"detector": detector, "cleaning": cleaning}
        aligned = self.mode(case) != "none"
        kept = None if case.reference_pose is not None else self.reference_file(case)
        own = self._of_reference(case, reference, aligned=aligned) if aligned or kept else None
        poses, alignment = self._aligned(case, driving, reference, own)
        self.folder.mkdir(parents=True, exist_ok=True)
        if own is not None and kept:
            kept.parent.mkdir(exist_ok=True)
            _without_parts(own, self.settings).save(kept)
        poses.save(self.folder / f"{case.name}.npz")
        report |= {"align": self.mode(case), "alignment": alignment}
        write_json(self.folder / f"{case.name}.json", report)
        print(f"poses:        {printable(self.folder / case.name)}.npz")

    def _detected(
        self, case: Case, motion: PoseVideo | PosePicture
    ) -> tuple[Poses, dict[str, Any], str]:
        """Clean poses of a video, what cleaning did, and the detector that found them."""
        settings = self.settings
        detector = choose_detector(settings.detector, **_files(settings))
        contents = sorted(map(str, fingerprint([case.pose])["files"].values()))
        key = [contents, len(motion), detector, settings.person, _files(settings)]
        digest = sha256(repr(key).encode()).hexdigest()[:12]
        home = settings.cache_dir or self.folder / DETECTED
        kept = Path(home) / f"{digest}.npz"
        if kept.is_file():
            found = Poses.load(kept)
        else:
            log.info("%s: detecting poses with %s", case.pose, detector)
            found = self._found(case, motion, detector)
            kept.parent.mkdir(parents=True, exist_ok=True)
            found.save(kept)
        cleaned, cleaning = clean_poses(
            _without_parts(found, settings),
            flips=settings.flips,
            jumps=settings.jumps,
            gaps=settings.gaps,
            smooth=settings.smooth,
            min_score=settings.min_score,
        )
        log.info("%s: %s", case.pose, _said(cleaning, found))
        return cleaned, cleaning.to_dict(), detector

    def _found(self, case: Case, motion: PoseVideo | PosePicture, detector: str) -> Poses:
        try:
            return detect_poses(
                motion,
                detector=detector,
                person=self.settings.person,
                num_threads=self.num_threads,
                progress=True,
                **_files(self.settings),
            )
        except UserError as error:
            raise UserError(f"{case.pose}: {error}") from error

    def _aligned(
        self, case: Case, driving: Poses, reference: Image.Image, own: Poses | None
    ) -> tuple[Poses, dict[str, Any] | None]:
        mode = self.mode(case)
        if mode == "none" or own is None:
            return driving, None
        picture = np.asarray(reference)
        poses, alignment = align_poses(driving, own, mode=mode)
        for warning in alignment.warnings:
            log.warning("%s: %s", case.name, warning)
        overlay = self.folder / f"{case.name}{OVERLAY}"
        overlay.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_overlay(picture, poses, own)).save(overlay)
        print(f"overlay:      {printable(overlay)}")
        return poses, alignment.to_dict()

    def _of_reference(self, case: Case, reference: Image.Image, *, aligned: bool) -> Poses:
        """The pose of the image, in its pixels: as given in an .npz, else as detected."""
        given, settings = case.reference_pose, self.settings
        if given is not None and given.suffix.lower() == ".npz":
            return Poses.load(given)[:1].resized(reference.height, reference.width)
        detector = choose_detector(settings.detector, **_files(settings))
        try:
            return detect_poses(
                PosePicture(reference),
                detector=detector,
                num_threads=self.num_threads,
                **_files(settings),
            )
        except UserError as error:
            advice = (
                "Poses cannot be aligned to this image: use another, or inference.align=none, "
                "which takes them as they are in the video."
                if aligned
                else "These weights are given its pose: use another image, or add "
                "reference_pose=<picture of its skeleton, or .npz of poses>."
            )
            raise UserError(f"{case.reference}: {error} {advice}") from error


def _files(settings: PosesConfig) -> dict[str, Any]:
    return {"dwpose_detector": settings.dwpose.detector, "dwpose_pose": settings.dwpose.pose}


def _without_parts(poses: Poses, settings: PosesConfig) -> Poses:
    scores = poses.scores.copy()
    for kept, parts in ((settings.hands, (LEFT_HAND, RIGHT_HAND)), (settings.face, (FACE,))):
        for part in () if kept else parts:
            scores[:, part] = 0
    return poses.with_points(poses.points, scores)


def _said(cleaning: Cleaning, found: Poses) -> str:
    seen = found.seen[:, :18].any(axis=1).sum()
    return f"somebody in {seen} of {len(found)} frames; {cleaning}"

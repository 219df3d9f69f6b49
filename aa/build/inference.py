"""From a checked `InferConfig` to a pipeline and the run that animates with it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aa.config.convert import to_dict
from aa.inference.cases import Case, read_cases

if TYPE_CHECKING:
    from aa.config.primary import InferConfig
    from aa.inference.driving import DrivenPoses
    from aa.inference.pipeline import Pose2VideoPipeline
    from aa.inference.run import InferenceRun


def build_cases(config: InferConfig) -> list[Case]:
    """The cases that a checked config requests.

    Raises:
        UserError: they cannot be read, see `read_cases`.
    """
    return read_cases(
        reference=config.reference,
        pose=config.pose,
        driving=config.driving,
        reference_pose=config.reference_pose,
        cases=config.cases,
        shard=config.cases_shard,
    )


def build_pipeline(config: InferConfig) -> Pose2VideoPipeline:
    """The pipeline of a checked config, its weights loaded.

    Raises:
        UserError: the weights cannot be read.
    """
    from aa.inference import Pose2VideoPipeline

    return Pose2VideoPipeline.from_pretrained(
        config.weights,
        lora=config.inference.lora,
        engine=config.inference.engine,
        precision=config.precision,
        device=config.inference.device,
        cache_dir=config.inference.cache_dir,
        num_threads=config.hardware.num_threads or None,
        weights=config.inference.weights,
    )


def build_driven_poses(
    config: InferConfig, folder: str | Path, *, reference_pose: bool = False
) -> DrivenPoses:
    """What makes the poses of raw videos, as a checked config says, in a run folder.

    Args:
        reference_pose: whether the weights have the pose of the reference as input.
    """
    from aa.inference.driving import DrivenPoses

    threads = config.hardware.num_threads or None
    return DrivenPoses(
        Path(folder),
        config.inference,
        config.poses,
        num_threads=threads,
        reference_pose=reference_pose,
    )


def build_inference(config: InferConfig, folder: str | Path) -> InferenceRun:
    """The run of a checked config: its cases, its options, its records.

    Raises:
        UserError: a case or the weights cannot be read.
    """
    from aa.inference.run import InferenceRun, autocast
    from aa.weights.folders import open_folder, weights_files

    weights = open_folder(config.weights).with_lora(config.inference.lora)
    return InferenceRun(
        Path(folder),
        build_cases(config),
        options=config.inference,
        driven=build_driven_poses(config, folder, reference_pose=weights.has_reference_pose),
        weights=weights_files(weights),
        cases_file=config.cases,
        precision=partial(autocast, config.hardware.device, config.precision),
        resumed=bool(config.resume),
        config=to_dict(config),
    )

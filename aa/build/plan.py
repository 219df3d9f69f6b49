"""The plans of a checked config: of each stage of a training, of the largest video of a list."""

from collections.abc import Iterator
from functools import partial

from aa.build.inference import build_cases, build_driven_poses
from aa.config.inference import InferenceConfig
from aa.config.primary import InferConfig, TrainConfig
from aa.errors import UserError
from aa.inference.attempts import Attempts
from aa.inference.cases import Case
from aa.inference.driving import DrivenPoses
from aa.inference.opening import result_shape
from aa.plan.inference import VideoPlan
from aa.plan.needs import StepShape
from aa.plan.plan import Plan
from aa.weights.folders import open_folder


def build_plans(config: TrainConfig) -> Iterator[Plan]:
    """Yield the plan of each stage of a training, in order."""
    data, hardware = config.data, config.hardware
    for group, stage in config.stages_by_group.items():
        setting = StepShape(
            batch=stage.per_device_batch_size,
            frames=stage.num_frames,
            height=data.height,
            width=data.width,
            recompute=hardware.recompute,
            sharding=hardware.sharding.level,
            offload=hardware.sharding.offload,
            devices=hardware.devices * hardware.nodes,
            encodes=not data.latents,
        )
        yield Plan(setting, stage, hardware, config.model.network(), group=group)


def build_video_plan(config: InferConfig) -> VideoPlan:
    """The plan of an animation's largest video.

    Raises:
        UserError: a case or the weights cannot be read.
    """
    weights = open_folder(config.weights)
    driven = build_driven_poses(config, ".", reference_pose=weights.has_reference_pose)
    cases, attempts = build_cases(config), Attempts(tolerant=config.cases is not None)
    measure = partial(_video_size, driven, config.inference)
    found = [attempts.attempt(measure, case) for case in cases]
    videos = [size for size in found if size]
    if not cases:
        raise UserError(f"cases_shard={config.cases_shard}: the list has no case for it.")
    if not videos:
        raise attempts.error(len(cases), "Mend the files, or the list.")
    return VideoPlan(
        config.inference,
        config.hardware,
        weights.model,
        videos,
        precision=config.precision,
        guidance=weights.has_guidance,
    )


def _video_size(driven: DrivenPoses, options: InferenceConfig, case: Case) -> tuple[int, int, int]:
    """(frames, height, width) of the video that a case makes."""
    driven.check(case)
    aligned = driven.is_made(case) and driven.mode(case) != "none"
    return result_shape(case, options, aligned=aligned)

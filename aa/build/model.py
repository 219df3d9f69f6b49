"""The model of a training, with the weights that it starts from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aa.config.convert import to_dict
from aa.config.stage import POSE_PROJECTION
from aa.errors import UserError
from aa.runs.differences import flat

if TYPE_CHECKING:
    from aa.config.model import ModelConfig
    from aa.config.primary import TrainConfig
    from aa.config.stage import StageConfig
    from aa.models.animate_anyone import AnimateAnyone
    from aa.weights.folders import WeightsFolder

log = logging.getLogger(__name__)


def check_same_model(wanted: ModelConfig, folder: WeightsFolder) -> None:
    """Check that the sizes of the weights and of the config agree.

    Raises:
        UserError: names the first keys that differ.
    """
    ours, theirs = (flat(to_dict(m)) for m in (wanted, folder.model))
    skipped = ("noise_schedule.", "motion_max_frames")  # no weight depends on them
    differ = [k for k in ours if ours[k] != theirs[k] and not k.startswith(skipped)]
    if differ:
        listed = "; ".join(f"model.{k} is {ours[k]}, the weights' {theirs[k]}" for k in differ[:5])
        raise UserError(
            f"{folder.path}: weights of another model: {listed}. Choose model=<theirs>."
        )


def build_model(
    config: TrainConfig, start: WeightsFolder | None, *, resumed: bool
) -> AnimateAnyone:
    """Build the model of a stage, with the parameters that train and the weights to start from.

    Args:
        start: opened weights; None starts at random.
        resumed: whether they are those of a checkpoint of this training.

    Raises:
        UserError: a file of the weights does not fit.
    """
    import paddle

    from aa.build.objective import build_objective, share_frozen
    from aa.models.animate_anyone import AnimateAnyone
    from aa.models.running import directly, recomputed
    from aa.training.trainable import choose_parameters

    stage = config.stage
    objective, teacher = build_objective(config)
    guided = start is not None and start.has_guidance
    paddle.seed(config.seed)
    model = AnimateAnyone(
        config.model.network(),
        motion_modules=stage.motion_modules,
        guidance=guided or stage.objective == "guidance",
        reference_pose=stage.reference_pose,
        run_layer=recomputed if config.hardware.recompute else directly,
        snr_gamma=stage.snr_gamma,
        temporal_weight=stage.temporal_weight,
        part_weight=stage.part_weight,
        objective=objective,
    )
    _initialise(model, config, start, resumed=resumed)
    names = choose_parameters(model, stage.trainable, stage.lora_rank)
    has_pose = start is not None and start.has_reference_pose
    if stage.reference_pose and not has_pose and not stage.trains_pose_projection:
        raise UserError(
            "stage.reference_pose=true adds a projection that starts at zero, and nothing would "
            f"train it: let stage.trainable match {POSE_PROJECTION}*, with stage.lora_rank=0."
        )
    if teacher is not None:
        share_frozen(teacher, model)
    if resumed and stage.lora_rank:
        _resume_adapters(model, cast("WeightsFolder", start))
    log.info("%d parameters train, %s", len(names), _count(model))
    return model


def check_reference_pose(stage: StageConfig, start: WeightsFolder) -> None:
    """Check that weights that are given the reference's pose go on being given it.

    Raises:
        UserError: the stage does not.
    """
    if start.has_reference_pose and not stage.reference_pose:
        raise UserError(
            f"{start.path}: these weights are given the pose of the reference: add "
            "stage.reference_pose=true."
        )


def _initialise(
    model: AnimateAnyone, config: TrainConfig, start: WeightsFolder | None, *, resumed: bool
) -> None:
    from aa.weights.folders import Source
    from aa.weights.loading import load_state
    from aa.weights.models import load_weights, read_component
    from aa.weights.starts import motion_checkpoint
    from aa.weights.tables import START_OPTIONAL, ZERO_AT_START

    if resumed:
        checkpoint = cast("WeightsFolder", start)
        load_weights(model, checkpoint.without_lora() if config.stage.lora_rank else checkpoint)
        return
    chosen, default = config.stage.motion_init_from, config.model.motion_weights
    checkpoint = motion_checkpoint(chosen, default=default, start=start)
    motion = checkpoint if model.has_motion else None
    skip = ("motion_module",) if motion or not model.has_motion else ()
    if start is not None:
        load_weights(model, start, optional=(*START_OPTIONAL, *ZERO_AT_START), skip=skip)
        for name in START_OPTIONAL:
            if name not in (*start.sources, *skip):
                log.info("%s: %s has none, it starts new", name, start.path)
    if motion:
        state = read_component("motion_module", Source(Path(motion)))
        load_state("motion_module", model.denoising_unet, state, source=motion)
        log.info("motion_module: from %s", motion)
    elif chosen and model.has_motion:
        log.info("motion_module: those that %s has trained", cast("WeightsFolder", start).path)


def _resume_adapters(model: AnimateAnyone, checkpoint: WeightsFolder) -> None:
    from aa.weights.lora import load_lora

    if checkpoint.lora is None:
        raise UserError(
            f"{checkpoint.path}: a training without adapters does not go on with some: "
            f"stage.lora_rank=0, or start a new run from it: stage.init_from={checkpoint.path}"
        )
    load_lora(model, checkpoint.lora)


def _count(model: AnimateAnyone) -> str:
    trained = sum(p.size for p in model.parameters() if not p.stop_gradient)
    total = sum(p.size for p in model.parameters())
    return f"{trained / 1e6:.1f} M of {total / 1e6:.1f} M numbers"

"""What a stage learns, and the teacher that it learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aa.errors import UserError

if TYPE_CHECKING:
    from aa.config.primary import TrainConfig
    from aa.models.animate_anyone import AnimateAnyone
    from aa.models.objectives import Objective


def build_objective(config: TrainConfig) -> tuple[Objective, AnimateAnyone | None]:
    """The objective of a stage, and its teacher where it has one.

    The teacher is what the stage starts from, also when it resumes.

    Raises:
        UserError: the teacher's weights cannot be read, or cannot teach this.
    """
    from aa.models.objectives import denoising, few_steps, guidance_in_one_pass

    stage = config.stage
    if not stage.distils:
        return denoising, None
    teacher = _teacher(config)
    if stage.objective == "guidance":
        return guidance_in_one_pass(teacher), teacher
    steps, teacher_steps = stage.student_steps, stage.teacher_steps
    return few_steps(teacher, steps=steps, teacher_steps=teacher_steps), teacher


def share_frozen(teacher: AnimateAnyone, model: AnimateAnyone) -> None:
    """Let a teacher use the networks of the model that do not train: they have the same weights."""
    for name in ("reference_unet", "pose_guider", "vae", "image_encoder"):
        own = getattr(model, name)
        if all(p.stop_gradient for p in own.parameters()):
            setattr(teacher, name, own)


def _teacher(config: TrainConfig) -> AnimateAnyone:
    from aa.inference.learned import learned_guidance, learned_stream
    from aa.weights.models import load_model

    stage = config.stage
    source = cast("str", stage.init_from)
    teacher = load_model(source)
    for parameter in teacher.parameters():
        parameter.stop_gradient = True
    guided = stage.objective == "guidance"
    if guided and teacher.has_guidance:
        raise UserError(
            f"{source}: gives in one pass what guidance gives in two already; start from weights "
            "that stage 2 has trained, or take stage=fewstep."
        )
    if guided and learned_guidance(source) is False:
        raise UserError(
            f"{source}: trained with uncond_ratio=0, so these weights never learned to go without "
            "a reference, and have no guidance to learn from. Train them on with "
            "stage.uncond_ratio=0.1."
        )
    if stage.stream and learned_stream(source) != stage.stream:
        raise UserError(
            f"{source}: never learned streams of {stage.stream_steps} steps in chunks of "
            f"{stage.stream_chunk}, so these weights cannot teach guidance of them: take "
            "stage=stream first, or stage.stream_steps=0."
        )
    if stage.guidance_scales and not guided and not teacher.has_guidance:
        raise UserError(
            f"{source}: has no embedding of the scale of guidance, which stage.guidance_scales="
            f"{list(stage.guidance_scales)} would be given to: take stage=guidance first, or null."
        )
    return teacher

"""What a stage learns: from a noised batch the prediction, and what it should have been.

An objective is a function (model, batch) -> `Learned`. `denoising` is diffusion training; the
others distil: their target comes from a frozen teacher of the same kind, not from the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import paddle

from aa.models.attention import Condition
from aa.models.diffusion import add_noise, ddim_step, diffusion_terms, training_target


class Network(Protocol):
    """What objectives ask of a model, see `AnimateAnyone`."""

    config: Any
    scheduler: Any
    pose_guider: Any

    def conditions(
        self,
        image_embeds: paddle.Tensor,
        reference_latents: paddle.Tensor | None = None,
        reference_pose: paddle.Tensor | None = None,
    ) -> list[Condition]: ...

    def denoise(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditions: list[Condition],
        *,
        pose_features: paddle.Tensor,
        reference_mask: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
    ) -> paddle.Tensor: ...

    def predict(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        *,
        image_embeds: paddle.Tensor,
        pose_pixels: paddle.Tensor,
        reference_latents: paddle.Tensor | None,
        reference_pose: paddle.Tensor | None = None,
        reference_mask: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
    ) -> paddle.Tensor: ...


@dataclass(frozen=True)
class Batch:
    """Clean latents and their noise [B, C, F, h, w], timesteps [B] or [B, F], conditions.

    `conditions` are the arguments of `AnimateAnyone.predict`.
    """

    latents: paddle.Tensor
    noise: paddle.Tensor
    timesteps: paddle.Tensor
    conditions: dict[str, Any]


class Learned(NamedTuple):
    """The prediction and its target [B, C, F, h, w], and the timesteps that they are for."""

    prediction: paddle.Tensor
    target: paddle.Tensor
    timesteps: paddle.Tensor


Objective = Callable[[Network, Batch], Learned]


def denoising(model: Network, batch: Batch) -> Learned:
    """Diffusion training (arXiv 2006.11239): the target is the truth, or its velocity."""
    alphas, kind = model.scheduler.alphas_cumprod, model.config.prediction_type
    noisy = add_noise(batch.latents, batch.noise, batch.timesteps, alphas)
    prediction = model.predict(noisy, batch.timesteps, **batch.conditions)
    target = training_target(batch.latents, batch.noise, batch.timesteps, alphas, kind)
    return Learned(prediction, target, batch.timesteps)


def guidance_in_one_pass(teacher: Network) -> Objective:
    """Learn in one pass what guidance of a teacher gives in two (arXiv 2210.03142, 3.1).

    The batch has a `guidance_scale` [B], and all its samples keep their references.
    """

    def objective(model: Network, batch: Batch) -> Learned:
        noisy = add_noise(
            batch.latents, batch.noise, batch.timesteps, model.scheduler.alphas_cumprod
        )
        with paddle.no_grad():
            target = _guided(teacher, noisy, batch.timesteps, **batch.conditions)
        prediction = model.predict(noisy, batch.timesteps, **batch.conditions)
        return Learned(prediction, target, batch.timesteps)

    return objective


def _guided(
    teacher: Network,
    noisy: paddle.Tensor,
    timesteps: paddle.Tensor,
    *,
    guidance_scale: paddle.Tensor,
    image_embeds: paddle.Tensor,
    reference_latents: paddle.Tensor,
    pose_pixels: paddle.Tensor,
    reference_mask: paddle.Tensor | None,
    reference_pose: paddle.Tensor | None = None,
) -> paddle.Tensor:
    """Both halves of a teacher's guidance, brought together, [B, C, F, h, w]."""
    assert reference_mask is None, "a sample without reference has no guidance"
    pose_features = teacher.pose_guider(pose_pixels)
    halves = [
        teacher.denoise(noisy, timesteps, conditions, pose_features=pose_features)
        for conditions in (
            teacher.conditions(image_embeds, reference_latents, reference_pose),
            teacher.conditions(paddle.zeros_like(image_embeds)),
        )
    ]
    conditional, unconditional = halves
    scale = guidance_scale.reshape([-1, 1, 1, 1, 1])
    return unconditional + scale * (conditional - unconditional)


def few_steps(teacher: Network, *, steps: int, teacher_steps: int) -> Objective:
    """Progressive distillation (arXiv 2202.00512, 4): one step for several of a teacher's.

    Timesteps are brought to those of `steps` DDIM steps, trailing, from pure noise on. From each
    the teacher takes `teacher_steps` to the next of them; the target leads there in one.

    Args:
        teacher: frozen.
        steps: of the student, from noise to clean latents.
        teacher_steps: of the teacher for one of these; together they divide the schedule.
    """

    def objective(model: Network, batch: Batch) -> Learned:
        alphas, kind = model.scheduler.alphas_cumprod, model.config.prediction_type
        start, ends = step_grid(batch.timesteps, len(alphas), steps, teacher_steps)
        noisy = add_noise(batch.latents, batch.noise, start, alphas)
        prediction = model.predict(noisy, start, **batch.conditions)
        with paddle.no_grad():
            predict = _predictor(teacher, batch.conditions)
            latents, t = noisy, start
            for end in ends:
                latents = ddim_step(latents, predict(latents, t), t, end, alphas, kind)
                t = end
            target = one_step_target(noisy, latents, start, t, alphas, kind)
        return Learned(prediction, target, start)

    return objective


def _predictor(
    teacher: Network, conditions: dict[str, Any]
) -> Callable[[paddle.Tensor, paddle.Tensor], paddle.Tensor]:
    """The teacher as a function (noisy latents, timesteps) -> prediction."""
    options = dict(conditions)
    pose_features = teacher.pose_guider(options.pop("pose_pixels"))
    seen = teacher.conditions(
        options.pop("image_embeds"),
        options.pop("reference_latents"),
        options.pop("reference_pose", None),
    )

    def predict(noisy: paddle.Tensor, timesteps: paddle.Tensor) -> paddle.Tensor:
        return teacher.denoise(noisy, timesteps, seen, pose_features=pose_features, **options)

    return predict


def step_grid(
    timesteps: paddle.Tensor, length: int, steps: int, teacher_steps: int
) -> tuple[paddle.Tensor, list[paddle.Tensor]]:
    """The student's timestep that each timestep falls to, and the teacher's after it.

    Args:
        timesteps: integers 0 .. length - 1, of any shape.
        length: of the schedule, a multiple of steps * teacher_steps.

    Returns:
        timesteps of trailing DDIM, and the teacher's `teacher_steps` after each, the last of them
        the student's next; -1 where the latents are clean.
    """
    stride = length // steps
    start = timesteps // stride * stride + stride - 1
    small = stride // teacher_steps
    return start, [start - small * (i + 1) for i in range(teacher_steps)]


def one_step_target(
    latents: paddle.Tensor,
    after: paddle.Tensor,
    t: paddle.Tensor,
    end: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
    prediction_type: str,
) -> paddle.Tensor:
    """The prediction for latents at timesteps t that lets `ddim_step` lead to `after`."""
    signal, noise = diffusion_terms(t, alphas_cumprod, latents.ndim)
    signal_after, noise_after = diffusion_terms(end, alphas_cumprod, latents.ndim)
    share = noise_after / noise
    clean = (after - share * latents) / (signal_after - share * signal)
    if prediction_type == "sample":
        return clean
    # signal * noise part - noise * clean, the noise part being (latents - signal * clean) / noise
    return (signal * latents - clean) / noise

"""The denoiser with a character's conditions, guidance and cache: what a window's prediction is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paddle

if TYPE_CHECKING:
    from aa.inference.compiled.model import CompiledModel
    from aa.inference.deep_cache import DeepCache
    from aa.inference.encoding import Conditions
    from aa.models.animate_anyone import AnimateAnyone


class GuidedDenoiser:
    """Predicts for windows of frames.

    A model that has learned guidance is given its scale, and needs no half without the character.

    Args:
        conditions: with the character, and without it (None where one pass is enough).
        guidance_scale: strength of guidance.
        cache: of deep features; None: all levels run in every step.
    """

    def __init__(
        self,
        model: AnimateAnyone | CompiledModel,
        conditions: Conditions,
        *,
        guidance_scale: float,
        cache: DeepCache | None = None,
    ) -> None:
        self.model, self.guidance_scale, self.cache = model, guidance_scale, cache
        self.conditional, self.unconditional = conditions
        self.scale = {}
        if self.unconditional is None and model.has_guidance:
            self.scale["guidance_scale"] = paddle.full([1], max(1.0, guidance_scale), "float32")

    @paddle.no_grad()
    def predict(
        self,
        latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        pose: Any,
        *,
        frames: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """The guided prediction [1, C, f, h, w] for the frames of a window.

        Args:
            latents: noisy [1, C, f, h, w].
            timesteps: [1], or [1, f].
            pose: the model's `pose_window` or `join_poses` of these frames.
            frames: their numbers in the video, int64 [f], with a cache.
        """
        found = self._halves(latents, timesteps, pose, frames)
        if len(found) == 1:
            return found[0]
        conditional, unconditional = found
        return unconditional + self.guidance_scale * (conditional - unconditional)

    def _halves(self, latents, timesteps, pose, frames):
        """Both predictions of guidance, or the only one."""
        model, conditional, unconditional = self.model, self.conditional, self.unconditional
        if self.cache:
            samples = [conditional] if unconditional is None else [conditional, unconditional]
            return self.cache.predict(
                frames,
                lambda deep: model.denoise_cached(
                    latents, timesteps, samples, pose_features=pose, deep=deep, **self.scale
                ),
            )
        if unconditional is None:
            return [
                model.denoise(latents, timesteps, conditional, pose_features=pose, **self.scale)
            ]
        return model.denoise_pair(
            latents, timesteps, conditional, unconditional, pose_features=pose
        )

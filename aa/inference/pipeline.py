"""The pipeline: encode the character, denoise in windows, decode in small batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from PIL import Image

from aa.config.sampling import SamplingOptions
from aa.data.pictures import flatten
from aa.data.transforms import clip_pixels, fit_frames, to_signed, to_unit
from aa.errors import UserError
from aa.inference.deep_cache import DeepCache
from aa.inference.sampling import decode_batch, denoise, start_latents
from aa.inference.windows import WindowSchedule
from aa.models.diffusion import SAMPLERS

if TYPE_CHECKING:
    from aa.data.poses import PoseVideo
    from aa.inference.compiled.model import CompiledModel
    from aa.inference.watching import Watch
    from aa.models.animate_anyone import AnimateAnyone


@dataclass(frozen=True)
class VideoOutput:
    """`videos`: float32 [1, 3, F, H, W] in 0..1."""

    videos: np.ndarray


class Pose2VideoPipeline:
    """Animates a character (arXiv 2311.17117): one image and a pose per frame in, frames out.

    Args:
        model: in evaluation mode.
    """

    def __init__(self, model: "AnimateAnyone | CompiledModel") -> None:
        self.model = model

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        lora: str | Path | None = None,
        engine: str = "eager",
        precision: str = "float32",
        device: str = "cpu",
        cache_dir: str | Path | None = None,
        num_threads: int | None = None,
    ) -> "Pose2VideoPipeline":
        """Pipeline of a weights folder in any of the three layouts, or of a run folder.

        Args:
            path: the folder.
            lora: adapters to merge in: a file, or the run that trained them.
            engine: "eager"; "compiled", the fastest on a CPU; "openvino" or "onnxruntime".
            precision, device, num_threads: of another engine than eager, see `make_engine`.
            cache_dir: where graphs are kept; None: the user's cache folder.

        Raises:
            UserError: the folder is incomplete or its files do not fit, or the engine's library is
                not here.
        """
        from aa.weights.models import load_model

        model = load_model(path, lora=lora)
        if engine != "eager":
            from aa.inference.compiled.engines import make_engine
            from aa.inference.compiled.graph_cache import GraphCache
            from aa.inference.compiled.model import CompiledModel

            cache = GraphCache(cache_dir)
            made = make_engine(engine, precision=precision, device=device, num_threads=num_threads)
            model = CompiledModel(model, cache, made)
        return cls(model)

    def __call__(
        self,
        reference_image: Image.Image,
        pose_images: "Sequence[Image.Image | np.ndarray] | PoseVideo",
        **arguments: Any,
    ) -> VideoOutput:
        """Animate and return the whole video; arguments are those of `frames`."""
        video = np.concatenate(list(self.frames(reference_image, pose_images, **arguments)))
        return VideoOutput(np.ascontiguousarray(video.transpose(3, 0, 1, 2)[None]))

    def frames(
        self,
        reference_image: Image.Image,
        pose_images: "Sequence[Image.Image | np.ndarray] | PoseVideo",
        *,
        width: int,
        height: int,
        latents: np.ndarray | paddle.Tensor | None = None,
        progress: bool = False,
        watch: "Watch | None" = None,
        options: SamplingOptions | None = None,
        **changes: Any,
    ) -> Iterator[np.ndarray]:
        """Animate and yield the frames as they are decoded.

        Args:
            reference_image: of the character.
            pose_images: images or uint8 arrays [H, W, 3], one per frame; they are read in slices,
                so they may be fetched when requested.
            width, height: of the result, multiples of the model's `size_step` (8).
            latents: noise to start from [1, 4, F, h, w]; None draws it.
            progress: show a bar.
            watch: is told how far it is.
            options: of sampling; None: those by default.
            changes: fields of `SamplingOptions`, as `num_inference_steps=10`, in their place.

        Yields:
            float32 arrays [n, H, W, 3] in 0..1, a batch each.

        Raises:
            UserError: a size, a count, an option or the shape of the given latents is impossible,
                or the result is not finite.
        """
        options = replace(options or SamplingOptions(), **changes)
        size, num_frames = (height, width), len(pose_images)
        self._check(size, num_frames, options.context_frames)
        vae = self.model.config.vae
        sides = [side // vae.stride for side in size]
        shape = [1, vae.latent_channels, num_frames, *sides]
        batch = decode_batch(options.decode_batch_size, height, width)
        with paddle.no_grad():
            conditions = self._encode_reference(
                flatten(reference_image, options.background), size, options, watch
            )
            pose_features = self._encode_poses(pose_images, size, options.fit, batch)
            latents = self._denoise(
                start_latents(latents, shape, options.seed, options.noise),
                WindowSchedule(num_frames, options),
                (*conditions, pose_features),
                options.guidance_scale,
                cache=DeepCache(options.cache_every) if options.cache == "deep" else None,
                sampler=options.sampler,
                num_inference_steps=options.num_inference_steps,
                progress=progress,
                watch=watch,
            )
        del conditions, pose_features
        if watch:
            watch.decoding(num_frames)
        yield from self._decode(latents, batch)

    def _decode(self, latents: paddle.Tensor, batch: int) -> Iterator[np.ndarray]:
        """Yield the frames of latents [1, 4, F, h, w], see `frames`."""
        for start in range(0, latents.shape[2], batch):
            with paddle.no_grad():
                chunk = latents[0, :, start : start + batch].transpose([1, 0, 2, 3])
                pixels = self.model.decode_latents(chunk)
            pixels = pixels.astype("float32").transpose([0, 2, 3, 1]).numpy()
            if not np.isfinite(pixels).all():
                raise UserError(
                    "the frames are not numbers: the weights are damaged or of another model; "
                    "`python -m aa.weights inspect` compares what can be compared."
                )
            yield pixels

    def _check(self, size: tuple[int, int], num_frames: int, context_frames: int) -> None:
        if num_frames < 1:
            raise UserError("there is no pose to follow: the pose video has no frames.")
        step = self.model.config.size_step
        if any(s <= 0 or s % step for s in size):
            raise UserError(
                f"height and width must be multiples of {step} for this model, got "
                f"{size[0]} x {size[1]}."
            )
        most = self.model.config.motion_max_frames
        if self.model.has_motion and min(context_frames, num_frames) > most:
            raise UserError(
                f"context_frames is {context_frames}, but the motion modules reach {most} frames; "
                f"use context_frames={most}."
            )

    def _encode_reference(self, image, size, options, watch=None):
        """Conditions of an RGB image, and those without it (None where one pass is enough)."""
        pixels = to_signed(fit_frames(np.asarray(image)[None], size, fit=options.fit))[:, 0]
        latents = self.model.encode_pixels(paddle.to_tensor(pixels[None]))
        if watch:
            watch.encoded(pixels, latents[0].numpy())
        side = self.model.config.image_encoder.image_size
        clip = paddle.to_tensor(clip_pixels(image, size=side)[None])
        image_embeds = self.model.encode_image(clip)
        conditional = self.model.conditions(image_embeds, latents)
        if options.guidance_scale <= 1 or self.model.has_guidance:
            return conditional, None
        return conditional, self.model.conditions(paddle.zeros_like(image_embeds))

    def _encode_poses(self, pose_images, size, fit, batch_size):
        features = None
        for start in range(0, len(pose_images), batch_size):
            frames = pose_images[start : start + batch_size]
            arrays = [
                np.asarray(f if isinstance(f, np.ndarray) else flatten(f, "black")) for f in frames
            ]
            pixels = np.concatenate(
                [to_unit(fit_frames(a[None], size, fit=fit)) for a in arrays], axis=1
            )
            part = self.model.pose_guider(paddle.to_tensor(pixels[None]))
            if features is None:  # filled in place: a list would need twice the memory at its end
                features = paddle.empty(
                    [*part.shape[:2], len(pose_images), *part.shape[3:]], part.dtype
                )
            features[:, :, start : start + batch_size] = part
        return features

    def _denoise(self, latents, schedule, conditions, guidance_scale, *, cache, sampler, **options):
        def predict(frames, part, t):
            return self._predict(frames, part, t, conditions, guidance_scale, cache)

        return denoise(predict, latents, schedule, self._solver(sampler), **options)

    def _solver(self, sampler):
        """One of `SAMPLERS`, of the model's noise schedule."""
        config = self.model.config
        return SAMPLERS[sampler](config.noise_schedule, config.prediction_type)

    def _predict(self, frames, latents, t, conditions, guidance_scale, cache):
        """Guided prediction for some frames; without guidance only the conditional half.

        A model that has learned guidance is given its scale, and needs no other half.
        """
        model, (conditional, unconditional, pose_features) = self.model, conditions
        pose, scale = model.pose_window(pose_features, frames), {}
        if unconditional is None and model.has_guidance:
            scale["guidance_scale"] = paddle.full([1], max(1.0, guidance_scale), "float32")
        if cache:
            samples = [conditional] if unconditional is None else [conditional, unconditional]
            found = cache.predict(
                frames,
                lambda deep: model.denoise_cached(
                    latents, t, samples, pose_features=pose, deep=deep, **scale
                ),
            )
        elif unconditional is None:
            found = [model.denoise(latents, t, conditional, pose_features=pose, **scale)]
        else:
            found = model.denoise_pair(latents, t, conditional, unconditional, pose_features=pose)
        if len(found) == 1:
            return found[0]
        conditional, unconditional = found
        return unconditional + guidance_scale * (conditional - unconditional)

"""The pipeline: encode the character, denoise in windows, decode in small batches."""

from dataclasses import dataclass

import numpy as np
import paddle
from tqdm import tqdm

from aa.data.transforms import clip_pixels, fit_frames, to_signed, to_unit
from aa.diffusion import build_scheduler
from aa.errors import UserError
from aa.inference.windows import context_windows, window_shares


@dataclass(frozen=True)
class VideoOutput:
    """`videos`: float32 [1, 3, F, H, W] in 0..1."""

    videos: np.ndarray


class Pose2VideoPipeline:
    """Animates a character (arXiv 2311.17117): one picture and a pose per frame in, frames out.

    Args:
        model: an `AnimateAnyone` in evaluation mode.
    """

    def __init__(self, model):
        self.model = model

    @classmethod
    def from_pretrained(cls, path):
        """Pipeline of a weights folder in any of the three layouts, or of a run folder.

        Raises:
            UserError: the folder is incomplete or its files do not fit.
        """
        from aa.weights.models import load_model

        return cls(load_model(path))

    def __call__(self, reference_image, pose_images, **options):
        """Animate and return the whole video; options are those of `frames`."""
        video = np.concatenate(list(self.frames(reference_image, pose_images, **options)))
        return VideoOutput(np.ascontiguousarray(video.transpose(3, 0, 1, 2)[None]))

    def frames(
        self,
        reference_image,
        pose_images,
        *,
        width,
        height,
        num_inference_steps=20,
        guidance_scale=3.5,
        context_frames=24,
        context_overlap=4,
        context_stride=1,
        closed_loop=False,
        fit="pad",
        latents=None,
        seed=42,
        noise="independent",
        decode_batch_size=4,
        progress=False,
    ):
        """Animate and yield the frames as they are decoded.

        Args:
            reference_image: PIL image of the character.
            pose_images: sequence of PIL images or uint8 arrays [H, W, 3], one per frame; it is
                read in slices, so it may fetch frames when asked.
            width, height: of the result, multiples of the model's `size_step` (8).
            num_inference_steps: denoising steps.
            guidance_scale: strength of the conditions over none; 1 or less computes no guidance.
            context_frames, context_overlap, context_stride, closed_loop: see `context_windows`.
            fit: how other sizes are brought to this one, see `fit_frames`.
            latents: noise to start from [1, 4, F, h, w], numpy or paddle; None draws it.
            seed: of the drawn noise.
            noise: how frames share it: "independent"; "shared", the same for all; "mixed", half of
                the variance shared (arXiv 2305.10474, 4.1).
            decode_batch_size: frames decoded at once.
            progress: show a bar.

        Yields:
            float32 arrays [n, H, W, 3] in 0..1, n at most `decode_batch_size`.

        Raises:
            UserError: a size, a count or the shape of the given latents is impossible, or the
                result is not finite.
        """
        size, num_frames = (height, width), len(pose_images)
        self._check(size, num_frames, context_frames, context_overlap)
        vae = self.model.config.vae
        sides = [side // vae.stride for side in size]
        shape = [1, vae.latent_channels, num_frames, *sides]
        windows = context_windows(
            num_frames,
            size=context_frames,
            overlap=context_overlap,
            stride=context_stride,
            closed_loop=closed_loop,
        )
        with paddle.no_grad():
            reference, image_embeds = self._encode_reference(reference_image, size, fit)
            pose_features = self._encode_poses(pose_images, size, fit, decode_batch_size)
            latents = self._denoise(
                _start_latents(latents, shape, seed, noise),
                windows,
                window_shares(windows, num_frames),
                (image_embeds, pose_features, reference),
                num_inference_steps,
                guidance_scale,
                progress,
            )
        del pose_features, reference
        for start in range(0, num_frames, decode_batch_size):
            with paddle.no_grad():
                chunk = latents[0, :, start : start + decode_batch_size].transpose([1, 0, 2, 3])
                pixels = self.model.decode_latents(chunk)
            pixels = pixels.astype("float32").transpose([0, 2, 3, 1]).numpy()
            if not np.isfinite(pixels).all():
                raise UserError(
                    "the frames are not numbers: the weights are damaged or of another model; "
                    "`python -m aa.weights inspect` compares what can be compared."
                )
            yield pixels

    def _check(self, size, num_frames, context_frames, context_overlap):
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
        if not 0 <= context_overlap < context_frames:
            raise UserError(
                f"context_overlap ({context_overlap}) must be less than context_frames "
                f"({context_frames})."
            )

    def _encode_reference(self, image, size, fit):
        image = image.convert("RGB")
        pixels = to_signed(fit_frames(np.asarray(image)[None], size, fit=fit))[:, 0]
        latents = self.model.encode_pixels(paddle.to_tensor(pixels[None]))
        side = self.model.config.image_encoder.image_size
        clip = paddle.to_tensor(clip_pixels(image, size=side)[None])
        image_embeds = self.model.encode_image(clip)
        return self.model.reference_features(latents, image_embeds), image_embeds

    def _encode_poses(self, pose_images, size, fit, batch_size):
        features = None
        for start in range(0, len(pose_images), batch_size):
            frames = pose_images[start : start + batch_size]
            arrays = [
                np.asarray(f if isinstance(f, np.ndarray) else f.convert("RGB")) for f in frames
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

    def _denoise(self, latents, windows, shares, conditions, steps, guidance_scale, progress):
        config = self.model.config
        scheduler = build_scheduler(config.noise_schedule, config.prediction_type)
        scheduler.set_timesteps(steps)
        shares = paddle.to_tensor(shares).reshape([1, 1, -1, 1, 1])
        bar = tqdm(
            total=steps * len(windows), desc="denoising", unit="window", disable=not progress
        )
        with bar:
            for t in scheduler.timesteps:
                total = paddle.zeros_like(latents)
                for window in windows:
                    prediction = self._predict(latents, window, t, conditions, guidance_scale)
                    # Around a short loop a window may meet a frame twice: its last visit counts.
                    last = {frame: i for i, frame in enumerate(window)}
                    places, frames = (paddle.to_tensor(list(x)) for x in (last.values(), last))
                    prediction = paddle.index_select(prediction, places, axis=2)
                    total = paddle.index_add(total, frames, 2, prediction)
                    bar.update()
                latents = scheduler.step(total * shares, t, latents).prev_sample
        return latents

    def _predict(self, latents, window, t, conditions, guidance_scale):
        """Guided prediction of one window; without guidance only the conditional call."""
        image_embeds, pose_features, reference = conditions
        frames = paddle.to_tensor(window)
        part = paddle.index_select(latents, frames, axis=2)
        pose = paddle.index_select(pose_features, frames, axis=2)
        denoise, t = self.model.denoise, t.reshape([1])
        conditional = denoise(part, t, image_embeds, pose_features=pose, reference=reference)
        if guidance_scale <= 1:
            return conditional
        unconditional = denoise(part, t, paddle.zeros_like(image_embeds), pose_features=pose)
        return unconditional + guidance_scale * (conditional - unconditional)


def _start_latents(latents, shape, seed, noise):
    if latents is None:
        # Frame by frame, so that a longer video of the same seed begins the same.
        rng, frame = np.random.default_rng(seed), [shape[1], *shape[3:]]
        shared = rng.standard_normal([1, *frame]) if noise != "independent" else 0
        draw = rng.standard_normal([shape[2], *frame]) if noise != "shared" else 0
        draw = (draw + shared) / (2**0.5 if noise == "mixed" else 1)
        draw = np.broadcast_to(draw, [shape[2], *frame])
        latents = draw.astype(np.float32).transpose(1, 0, 2, 3)[None]
    if list(latents.shape) != shape:
        raise UserError(f"latents must be {shape} for this video, got {list(latents.shape)}.")
    return paddle.to_tensor(latents, dtype="float32")

"""The pipeline: encode the character, denoise in windows, decode in small batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import paddle
from PIL import Image

from aa.config.sampling import SamplingOptions
from aa.errors import UserError
from aa.inference.deep_cache import DeepCache
from aa.inference.encoding import encode_pose_video, encode_poses, encode_reference
from aa.inference.guided import GuidedDenoiser
from aa.inference.sampling import FrameNoise, decode_batch, denoise, start_latents
from aa.inference.streaming import PoseChunk, chunked, each, shown, stream_latents
from aa.inference.windows import WindowSchedule
from aa.models.diffusion import SAMPLERS

if TYPE_CHECKING:
    from aa.config.stream import StreamWindow
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
        weights: str = "float",
    ) -> "Pose2VideoPipeline":
        """Pipeline of a weights folder in any of the three layouts, or of a run folder.

        Args:
            path: the folder.
            lora: adapters to merge in: a file, or the run that trained them.
            engine: "eager"; "compiled", the fastest on a CPU; "openvino" or "onnxruntime".
            precision, device, num_threads, weights: of engines but eager, see `make_engine`.
            cache_dir: where graphs are kept; None: the user's cache folder.

        Raises:
            UserError: the folder is incomplete or its files do not fit, the engine's library is not
                here, or `weights` is not for it.
        """
        from aa.inference.compiled.engines import check_weights
        from aa.weights.models import load_model

        check_weights(weights, engine)
        model = load_model(path, lora=lora)
        if engine != "eager":
            from aa.inference.compiled.engines import make_engine
            from aa.inference.compiled.graph_cache import GraphCache
            from aa.inference.compiled.model import CompiledModel

            made = make_engine(
                engine, precision=precision, device=device, num_threads=num_threads, weights=weights
            )
            model = CompiledModel(model, GraphCache(cache_dir), made)
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
        reference_pose: Image.Image | None = None,
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
            reference_pose: drawing of the character's pose in that image, of its shape, for a model
                that has the input (`has_reference_pose`).
            latents: noise to start from [1, 4, F, h, w]; None draws it. Not of mode=stream.
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
        self._check(size, num_frames, options)
        batch = decode_batch(options.decode_batch_size, height, width)
        if options.stream:
            if latents is not None:
                raise UserError("mode=stream draws its noise as it proceeds; omit latents.")
            if watch:
                watch.denoising(num_frames)
            parts = self.stream(
                reference_image,
                each(pose_images, batch),
                width=width,
                height=height,
                reference_pose=reference_pose,
                watch=watch,
                options=options,
            )
            yield from shown(parts, num_frames) if progress else parts
            return
        given = (reference_image, reference_pose), pose_images, size, latents, options
        latents = self._denoise_windows(*given, progress=progress, watch=watch)
        if watch:
            watch.decoding(num_frames)
        yield from self._decode(latents, batch)

    def stream(
        self,
        reference_image: Image.Image,
        poses: Iterable[Image.Image | np.ndarray],
        *,
        width: int,
        height: int,
        reference_pose: Image.Image | None = None,
        watch: "Watch | None" = None,
        options: SamplingOptions | None = None,
        **changes: Any,
    ) -> Iterator[np.ndarray]:
        """Animate poses as they come, and yield frames as they become clean.

        Memory and the time of a frame do not grow with the video. A frame comes out when
        `num_inference_steps` chunks of `stream_chunk` poses are in, its own the first of them; the
        first two chunks when the window (`options.stream`) is full, or the poses have ended.

        Args:
            poses: images or uint8 arrays [H, W, 3] from any source, also one that makes us wait; it
                is read between the passes, by the same thread. It ends by returning: if it raises,
                frames that are not clean yet are lost.
            reference_pose, options, changes: see `frames`; mode is "stream" here.

        Yields:
            float32 arrays [n, H, W, 3] in 0..1, at most `stream_chunk` frames each.

        Raises:
            UserError: see `frames`.
        """
        options = replace(options or SamplingOptions(), **{**changes, "mode": "stream"})
        size, window = (height, width), cast("StreamWindow", options.stream)
        self._check(size, 1, options)
        batch = min(window.chunk, decode_batch(options.decode_batch_size, height, width))
        reference = reference_image, reference_pose
        model, denoiser = self.model, self._denoiser(reference, size, options, watch)
        drawn = FrameNoise(self._latent_frame(size), options.seed, options.noise)
        passes = stream_latents(
            lambda latents, t, held: denoiser.predict(latents, t, model.join_poses(held)),
            (
                PoseChunk(model.hold_poses(encode_poses(model, chunk, size, options.fit)), came)
                for chunk, came in chunked(poses, window.chunk)
            ),
            window,
            self._solver(options.sampler),
            lambda frames: paddle.to_tensor(drawn.draw(frames)),
        )
        number = 0
        for number, (latents, came) in enumerate(passes, start=1):
            if watch:
                watch.step(number, lambda latents=latents: latents)
            yield np.concatenate(list(self._decode(latents, batch)))[:came]
        self._check(size, number, options)  # no chunk, no pose

    @paddle.no_grad()
    def _denoise_windows(self, reference, pose_images, size, latents, options, *, progress, watch):
        """Clean latents [1, C, F, h, w] of a whole video, in windows; see `frames`."""
        channels, *sides = self._latent_frame(size)
        shape = [1, channels, len(pose_images), *sides]
        batch = decode_batch(options.decode_batch_size, *size)
        denoiser = self._denoiser(reference, size, options, watch)
        pose_features = encode_pose_video(self.model, pose_images, size, options.fit, batch)
        return denoise(
            lambda frames, part, t: denoiser.predict(
                part, t, self.model.pose_window(pose_features, frames), frames=frames
            ),
            start_latents(latents, shape, options.seed, options.noise),
            self._schedule(len(pose_images), options),
            self._solver(options.sampler),
            num_inference_steps=options.num_inference_steps,
            progress=progress,
            watch=watch,
        )

    def _denoiser(
        self,
        reference: tuple[Image.Image, Image.Image | None],
        size: tuple[int, int],
        options: SamplingOptions,
        watch: "Watch | None",
    ) -> GuidedDenoiser:
        """The denoiser with the conditions of a character's image, and of its pose there."""
        return GuidedDenoiser(
            self.model,
            encode_reference(self.model, *reference, size, options, watch),
            guidance_scale=options.guidance_scale,
            cache=DeepCache(options.cache_every) if options.cache == "deep" else None,
        )

    def _latent_frame(self, size: tuple[int, int]) -> list[int]:
        """The shape of a frame's latents [C, h, w]."""
        vae = self.model.config.vae
        return [vae.latent_channels, *(side // vae.stride for side in size)]

    def _schedule(self, num_frames: int, options: SamplingOptions) -> WindowSchedule:
        """The windows of a video, step by step."""
        return WindowSchedule(num_frames, options)

    def _solver(self, sampler):
        """One of `SAMPLERS`, of the model's noise schedule."""
        config = self.model.config
        return SAMPLERS[sampler](config.noise_schedule, config.prediction_type)

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

    def _check(self, size: tuple[int, int], num_frames: int, options: SamplingOptions) -> None:
        if num_frames < 1:
            raise UserError("there is no pose to follow: the pose video has no frames.")
        step = self.model.config.size_step
        if any(s <= 0 or s % step for s in size):
            raise UserError(
                f"height and width must be multiples of {step} for this model, got "
                f"{size[0]} x {size[1]}."
            )
        if self.model.has_motion:
            options.check_reach(self.model.config.motion_max_frames, num_frames)

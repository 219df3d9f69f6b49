"""Memory of an animation: weights, the conditions of all frames, and the largest of its phases."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, cast

from paddle.static import InputSpec

from aa.config.hardware import HardwareConfig
from aa.config.inference import InferenceConfig
from aa.config.model import ModelConfig
from aa.inference.sampling import decode_batch
from aa.inference.windows import context_windows
from aa.models import parts
from aa.models.parts import spec
from aa.models.shape_only import shape_only_model
from aa.plan.advice import video_changes
from aa.plan.graph import trace
from aa.plan.lowering import fuse_attention, lower
from aa.plan.memory import StepMemory
from aa.plan.needs import OVERHEAD, MemoryBudget
from aa.plan.plan import device_memory, usable, verdict

LATENTS = 4  # copies while a step is taken: noisy, predicted, with and without its share, denoised


@dataclass(frozen=True)
class Video:
    """The settings of an animation that decide its memory. Sizes in pixels.

    Attributes:
        kept_frames: those of all windows, if their deep features are kept from step to step.
        stream: whether its frames are those of the one window that a stream keeps.
    """

    frames: int
    height: int
    width: int
    context_frames: int
    decode_batch_size: int
    kept_frames: int = 0
    stream: bool = False


def _video(options: InferenceConfig, frames: int, height: int, width: int) -> Video:
    batch = decode_batch(options.decode_batch_size, height, width)
    if options.stream:  # whatever the length of the video
        frames, batch = options.stream.frames, min(batch, options.stream.chunk)
    windows = context_windows(frames, options) if options.cache == "deep" else []
    kept = sum(map(len, windows))
    return Video(frames, height, width, options.window_frames, batch, kept, bool(options.stream))


class VideoPlan:
    """Memory that the largest video of an inference run needs, and whether a device has it.

    Args:
        network: sizes of its weights.
        videos: (frames, height, width) of every case.
        precision: what is computed in.
        guidance: whether the weights have an embedding of the scale of guidance.
    """

    def __init__(
        self,
        options: InferenceConfig,
        hardware: HardwareConfig,
        network: ModelConfig,
        videos: Iterable[tuple[int, int, int]],
        *,
        precision: str,
        guidance: bool = False,
    ) -> None:
        self.size_step, self.precision = network.size_step, precision
        self.place = "gpu" if options.device == "cuda" else hardware.device
        self.device = device_memory(replace(hardware, device=self.place))
        self.memory = usable(self.device)
        self.counter = VideoCounter(
            network,
            device=self.place,
            half=self.place == "gpu" and precision != "float32",
            compiled=options.engine != "eager",
            eight_bits=options.weights == "int8",
            guided=options.guidance_scale > 1 and not guidance,
        )
        counted = [(self.counter.count(v), v) for v in (_video(options, *v) for v in set(videos))]
        self.needs, self.video = max(counted, key=lambda pair: pair[0].total)

    @property
    def fits(self) -> bool:
        return self.needs.total <= self.memory

    def verdict(self, command: Sequence[str]) -> str:
        """One line: whether it fits, and if not, what to type instead of a command's words."""
        tried = video_changes(self.video, size_step=self.size_step)
        counted = ((self.counter.count(v), overrides) for v, overrides in tried)
        return verdict(self.needs, self.device, counted, command)

    def describe(self) -> str:
        """The video in a line."""
        v = self.video
        frames = f"a stream's window of {v.frames}" if v.stream else f"{v.frames}"
        return f"{frames} frames of {v.height}x{v.width}, {self.precision}, {self.place}"


class VideoCounter:
    """Counts videos of one model.

    Args:
        device: "cpu" or "gpu".
        half: whether it computes in float16 or bfloat16.
        compiled: whether an engine computes the heavy parts. On a CPU it keeps their weights a
            second time; on a GPU all weights are its own, in its precision.
        eight_bits: whether it does so with projections' weights in 8 bits, which it keeps as they
            came and as it reads them.
        guided: whether there is guidance; compiled, both of its halves are computed at once.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        *,
        device: str,
        half: bool,
        compiled: bool = False,
        eight_bits: bool = False,
        guided: bool = True,
    ) -> None:
        self.model = shape_only_model(model_config, motion_modules=True).eval()
        self.device, self.half, self.compiled = device, half, compiled
        self.eight_bits = eight_bits
        self.predictions = 2 if guided else 1  # of a step
        self.samples = self.predictions if compiled else 1  # of a call of the denoiser
        self._counted = {}  # (part, shapes) -> `_count_part`

    def count(self, video: Video) -> MemoryBudget:
        """Count the memory of a video."""
        config, stride = self.model.config, self.model.config.vae.stride
        side = video.height // stride, video.width // stride
        window = min(video.context_frames, video.frames)
        batch = min(video.decode_batch_size, video.frames)
        channels, latents = config.block_out_channels[0], config.vae.latent_channels
        reference = spec(1, 1, config.cross_attention_dim), spec(1, latents, *side)
        of_reference, conditions = self._count_part(parts.encode_reference, *reference)
        phases = {
            "reference network": of_reference,
            "pose guider": self._peak(
                parts.encode_pose, spec(1, 3, batch, video.height, video.width)
            ),
            "denoising of a window": self._peak(
                parts.denoise,
                spec(1, latents, window, *side),
                spec(1, dtype="int64"),
                spec(1, channels, window, *side),
                *(spec(*shape) for shape in self._of_all_samples(conditions)),
            )
            + self._deep(video.kept_frames * prod(side)),
            "decoding": self._peak(parts.decode, spec(batch, latents, *side)),
            "encoding of the reference": self._peak(
                parts.encode, spec(1, 3, video.height, video.width)
            ),
        }
        phase = max(phases, key=cast(Callable[[str], int], phases.get))
        places = video.frames * prod(side)
        counted = {
            "weights": self._weights(cached=video.kept_frames > 0),
            "conditions of the reference": 4 * sum(prod(shape) for shape in conditions),
            "pose features of all frames": 4 * places * channels,
            "latents of all frames": LATENTS * 4 * places * latents,
            f"most at one time: {phase}": phases[phase],
            "Paddle and its libraries": OVERHEAD[self.device],
        }
        return MemoryBudget(counted)

    def _deep(self, places: int) -> int:
        """Bytes of deep features that are kept; beside a GPU an engine has them in host memory."""
        if self.compiled and self.device == "gpu":
            return 0
        item_bytes = 2 if self.half else 4
        return item_bytes * self.predictions * places * self.model.denoising_unet.deep_channels

    def _weights(self, *, cached: bool) -> int:
        model = self.model
        own, item_bytes = [], 4  # layers whose weights the engine has for itself
        if self.compiled and self.device == "gpu":
            item_bytes = 2 if self.half else 4
        elif self.compiled:
            denoiser = model.denoising_unet
            own = [denoiser, model.pose_guider, model.vae]
            if cached:  # two graphs, and the smaller one has the highest level
                own += [denoiser.down_blocks[0], denoiser.up_blocks[-1]]
        weights = [p for layer in own for p in layer.parameters()]
        projected = sum(p.size for p in weights if p.ndim == 2) if self.eight_bits else 0
        size = sum(p.size for p in [*model.parameters(), *weights])
        return item_bytes * (size - projected) + 2 * projected

    def _of_all_samples(self, shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Shapes of the character's `flat` conditions, its tokens beside those of no one."""
        return [
            (self.samples, *shape[1:]) if i % 3 == 0 else shape for i, shape in enumerate(shapes)
        ]

    def _peak(self, part: Callable[..., Any], *specs: InputSpec) -> int:
        """Bytes at the height of a part of a generation, on tensors of these specs."""
        return self._count_part(part, *specs)[0]

    def _count_part(
        self, part: Callable[..., Any], *specs: InputSpec
    ) -> tuple[int, list[tuple[int, ...]]]:
        """Bytes at the height of a part, and the shapes of what it gives; traced once."""
        key = (part, *(tuple(spec.shape) for spec in specs))
        if key not in self._counted:
            graph = trace(lambda *tensors: part(self.model, *tensors), specs)
            shapes = [tensor.shape for tensor in graph.results]
            if self.device == "gpu":
                graph = lower(graph, half=self.half)
            elif part in (
                parts.encode_reference,
                parts.denoise,
            ):  # the VAE's attention is the library's
                graph = fuse_attention(graph)
            self._counted[key] = StepMemory(graph, backward=False).peak, shapes
        return self._counted[key]

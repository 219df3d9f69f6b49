"""What an animation needs: weights, the conditions of all frames, and the largest of its phases."""

from dataclasses import dataclass

from aa.models.animate_anyone import shape_only_model
from aa.plan.advice import video_changes
from aa.plan.graph import trace_decoding, trace_encoding, trace_prediction
from aa.plan.lowering import bound_scores, lower
from aa.plan.memory import StepMemory
from aa.plan.needs import OVERHEAD, Needs
from aa.plan.plan import device_memory, verdict

LATENTS = 4  # copies while a step is taken: noisy, predicted, with and without its share, denoised


@dataclass(frozen=True)
class Video:
    """What of an animation decides its memory. Sizes in pixels."""

    frames: int
    height: int
    width: int
    context_frames: int
    decode_batch_size: int


class VideoPlan:
    """What the largest video of an inference run needs, and whether a device has it.

    Args:
        config: a checked `InferConfig`.
        network: the `ModelConfig` of its weights.
        videos: (frames, height, width) of every case.
    """

    def __init__(self, config, network, videos):
        options, hardware = config.inference, config.hardware
        self.hardware, self.size_step = hardware, network.size_step
        self.memory = device_memory(hardware)
        half = hardware.precision != "float32"
        self.counter = VideoCounter(network, device=hardware.device, half=half)
        context = options.context_frames, options.decode_batch_size
        counted = [(self.counter.count(v), v) for v in (Video(*v, *context) for v in set(videos))]
        self.needs, self.video = max(counted, key=lambda pair: pair[0].total)

    @property
    def fits(self):
        return self.needs.total <= self.memory

    def verdict(self):
        """One line: whether it fits, and if not, with which overrides it would."""
        tried = video_changes(self.video, size_step=self.size_step)
        return verdict(self.needs, self.memory, ((self.counter.count(v), o) for v, o in tried))

    def describe(self):
        """The video in a line."""
        v, hardware = self.video, self.hardware
        return f"{v.frames} frames of {v.height}x{v.width}, {hardware.precision}, {hardware.device}"


class VideoCounter:
    """Counts videos of one model.

    Args:
        model_config: the `ModelConfig`.
        device: "cpu" or "gpu".
        half: whether it computes in float16 or bfloat16.
    """

    def __init__(self, model_config, *, device, half):
        self.model = shape_only_model(model_config, motion_modules=True)
        self.device, self.half, self._peaks = device, half, {}

    def count(self, video):
        """The `Needs` of a `Video`."""
        config, stride = self.model.config, self.model.config.vae.stride
        size = {"height": video.height, "width": video.width}
        places = video.frames * (video.height // stride) * (video.width // stride)
        window = min(video.context_frames, video.frames)
        decoded = min(video.decode_batch_size, video.frames)
        phases = {
            "denoising of a window": self._peak(trace_prediction, batch=1, frames=window, **size),
            "decoding": self._peak(trace_decoding, pictures=decoded, **size),
            "encoding of the reference": self._peak(trace_encoding, pictures=1, **size),
        }
        phase = max(phases, key=phases.get)
        parts = {
            "weights": 4 * sum(p.size for p in self.model.parameters()),
            "pose features of all frames": 4 * places * config.block_out_channels[0],
            "latents of all frames": LATENTS * 4 * places * config.vae.latent_channels,
            f"most at one time: {phase}": phases[phase],
            "Paddle and its libraries": OVERHEAD[self.device],
        }
        return Needs(parts)

    def _peak(self, trace, **sizes):
        key = (trace, *sizes.values())
        if key not in self._peaks:
            graph = trace(self.model, **sizes)
            if self.device == "gpu":
                graph = lower(graph, half=self.half)
            elif trace is trace_prediction:  # the VAE's attention is the library's
                graph = bound_scores(graph)
            self._peaks[key] = StepMemory(graph, backward=False).peak
        return self._peaks[key]

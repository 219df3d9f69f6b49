"""Schema of the group `inference`."""

from dataclasses import dataclass

from aa.config.checks import colour, not_negative, one_of, positive, seed_range, size, wanted
from aa.config.hardware import PRECISIONS


@dataclass
class InferenceConfig:
    """Settings of an animation; null width, height, num_frames and fps follow the pose video."""

    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    engine: str = "eager"  # Paddle operation by operation, or compiled, for a CPU
    precision: str | None = None  # what is computed in; null: hardware.precision
    cache_dir: str | None = None  # of compiled graphs; null: the user's cache folder
    num_inference_steps: int = 20
    sampler: str = "ddim"  # or dpmsolver++
    guidance_scale: float = 3.5
    fps: float | None = None
    fit: str = "pad"
    context_frames: int = 24
    context_overlap: int = 4
    context_stride: int = 1
    context_shift: bool = False  # let windows begin elsewhere in every step
    context_blend: str = "pyramid"  # of the windows that have a frame: mean or pyramid
    closed_loop: bool = False  # let windows join the last frames to the first
    seed: int = 42
    noise: str = "independent"  # of the frames at the start: shared, mixed or independent
    format: str = "mp4"
    audio: str = "keep"  # the pose video's sound: keep or drop
    background: str = "white"  # what an image's transparency is laid over: a name or #rrggbb
    decode_batch_size: int | None = None  # frames the VAE decodes at once; null: by their size

    def __post_init__(self) -> None:
        if self.width is not None and self.height is not None:
            size("inference", self)
        wanted(
            (self.width is None) == (self.height is None),
            "inference.width and inference.height must be given together.",
        )
        counts = ("num_inference_steps", "context_frames", "context_stride")
        positive("inference", self, *counts)
        not_negative("inference", self, "context_overlap", "guidance_scale")
        for key in ("num_frames", "fps", "decode_batch_size"):
            if getattr(self, key) is not None:
                positive("inference", self, key)
        wanted(
            self.context_overlap < self.context_frames,
            f"inference.context_overlap ({self.context_overlap}) must be less than "
            f"inference.context_frames ({self.context_frames}).",
        )
        seed_range("inference.seed", self.seed)
        one_of("inference", self, "fit", ("pad", "crop"))
        one_of("inference", self, "noise", ("shared", "mixed", "independent"))
        one_of("inference", self, "format", ("mp4", "gif", "png"))
        one_of("inference", self, "sampler", ("ddim", "dpmsolver++"))
        one_of("inference", self, "context_blend", ("mean", "pyramid"))
        one_of("inference", self, "audio", ("keep", "drop"))
        colour("inference", self, "background")
        one_of("inference", self, "engine", ("eager", "compiled"))
        if self.precision is not None:
            one_of("inference", self, "precision", PRECISIONS)

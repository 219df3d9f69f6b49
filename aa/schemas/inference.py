"""Schema of the group `inference`."""

from dataclasses import dataclass

from aa.schemas.checks import not_negative, one_of, positive, seed_range, size, wanted


@dataclass
class InferenceConfig:
    """How a video is made; null width, height, num_frames and fps follow the pose video."""

    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    num_inference_steps: int = 20
    guidance_scale: float = 3.5
    fps: float | None = None
    fit: str = "pad"
    context_frames: int = 24
    context_overlap: int = 4
    context_stride: int = 1
    closed_loop: bool = False  # let windows join the last frames to the first
    seed: int = 42
    noise: str = "independent"  # of the frames at the start: shared, mixed or independent
    format: str = "mp4"
    decode_batch_size: int = 4  # frames the VAE decodes at once

    def __post_init__(self):
        if self.width is not None and self.height is not None:
            size("inference", self)
        wanted(
            (self.width is None) == (self.height is None),
            "inference.width and inference.height must be given together.",
        )
        counts = ("num_inference_steps", "context_frames", "context_stride", "decode_batch_size")
        positive("inference", self, *counts)
        not_negative("inference", self, "context_overlap", "guidance_scale")
        for key in ("num_frames", "fps"):
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

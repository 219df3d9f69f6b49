"""Options of sampling, stated once: for the config, the pipeline and its windows."""

from dataclasses import dataclass

from aa.config.checks import colour, not_negative, one_of, positive, seed_range, wanted


@dataclass
class SamplingOptions:
    """Choices between the noise and the frames of an animation, whatever its size."""

    num_inference_steps: int = 20  # denoising steps
    sampler: str = "ddim"  # ddim or dpmsolver++
    guidance_scale: float = 3.5  # strength of the conditions; 1 or less computes no guidance
    context_frames: int = 24  # frames of one window
    context_overlap: int = 4  # frames that neighbouring windows share
    context_stride: int = 1  # number of dilations of windows: frames 1, 2, 4, ... apart
    context_shift: bool = False  # let windows begin elsewhere in every step
    context_blend: str = "pyramid"  # weights of windows that share a frame: mean or pyramid
    closed_loop: bool = False  # let windows join the last frames to the first
    cache: str = "none"  # deep: reuse the denoiser's deep features in the steps between; none
    cache_every: int = 3  # with cache=deep: they are computed at every N-th step
    seed: int = 42  # seed of the noise
    noise: str = "independent"  # how frames share it: shared, mixed or independent
    fit: str = "pad"  # how images of another shape are brought to the size: pad or crop
    background: str = "white"  # what an image's transparency is laid over: a name or #rrggbb
    decode_batch_size: int | None = None  # frames the VAE decodes at once; null: by their size

    def __post_init__(self) -> None:
        owner = self._owner()
        positive(owner, self, "num_inference_steps", "context_frames", "context_stride")
        positive(owner, self, "cache_every")
        one_of(owner, self, "cache", ("none", "deep"))
        wanted(
            self.cache == "none" or not self.context_shift,
            f"{owner}.cache=deep reuses what was computed of the same window in an earlier step; "
            f"with {owner}.context_shift=true windows begin elsewhere in every step: choose one.",
        )
        not_negative(owner, self, "context_overlap", "guidance_scale")
        if self.decode_batch_size is not None:
            positive(owner, self, "decode_batch_size")
        wanted(
            self.context_overlap < self.context_frames,
            f"{owner}.context_overlap ({self.context_overlap}) must be less than "
            f"{owner}.context_frames ({self.context_frames}).",
        )
        seed_range(f"{owner}.seed", self.seed)
        one_of(owner, self, "fit", ("pad", "crop"))
        one_of(owner, self, "noise", ("shared", "mixed", "independent"))
        one_of(owner, self, "sampler", ("ddim", "dpmsolver++"))
        one_of(owner, self, "context_blend", ("mean", "pyramid"))
        colour(owner, self, "background")

    def _owner(self) -> str:
        """Name of these options in an error."""
        return "options"

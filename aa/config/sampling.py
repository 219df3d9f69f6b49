"""Options of sampling, stated once: for the config, the pipeline and its windows."""

from dataclasses import dataclass

from aa.config.checks import colour, not_negative, one_of, positive, seed_range, wanted
from aa.config.stream import StreamWindow


@dataclass
class SamplingOptions:
    """Choices between the noise and the frames of an animation, whatever its size."""

    num_inference_steps: int = 20  # denoising steps
    sampler: str = "ddim"  # ddim or dpmsolver++
    guidance_scale: float = 3.5  # strength of the conditions; 1 or less computes no guidance
    mode: str = "windows"  # windows of all frames, or stream: one window that goes along
    stream_chunk: int = 4  # of mode=stream: frames that a pass completes
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
        positive(owner, self, "cache_every", "stream_chunk")
        one_of(owner, self, "cache", ("none", "deep"))
        wanted(
            self.cache == "none" or not self.context_shift,
            f"{owner}.cache=deep reuses what was computed of the same window in an earlier step; "
            f"with {owner}.context_shift=true windows begin elsewhere in every step: choose one.",
        )
        self._check_mode(owner)
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

    @property
    def stream(self) -> StreamWindow | None:
        """The window of mode=stream; None of another."""
        if self.mode != "stream":
            return None
        return StreamWindow(self.num_inference_steps, self.stream_chunk)

    @property
    def window_frames(self) -> int:
        """The most frames of a call of the denoiser."""
        return self.stream.frames if self.stream else self.context_frames

    def check_reach(self, reach: int, num_frames: int) -> None:
        """Compare the window with what motion modules reach.

        Args:
            reach: their most frames.
            num_frames: of the video.

        Raises:
            UserError: it is longer.
        """
        owner, stream = self._owner(), self.stream
        if stream:
            wanted(
                stream.frames <= reach,
                f"{owner}.mode=stream with {owner}.num_inference_steps={stream.steps} and "
                f"{owner}.stream_chunk={stream.chunk} has windows of {stream.frames} frames, "
                f"(steps + 2) * chunk, but the motion modules reach {reach}; take fewer steps (4) "
                "or smaller chunks.",
            )
        else:
            wanted(
                min(self.context_frames, num_frames) <= reach,
                f"{owner}.context_frames is {self.context_frames}, but the motion modules reach "
                f"{reach} frames; use {owner}.context_frames={reach}.",
            )

    def _check_mode(self, owner: str) -> None:
        one_of(owner, self, "mode", ("windows", "stream"))
        unfit = {
            "sampler=ddim": self.sampler == "ddim",
            "cache=none": self.cache == "none",
            "closed_loop=false": not self.closed_loop,
        }
        for setting, fits in unfit.items():
            wanted(
                self.mode == "windows" or fits,
                f"{owner}.mode=stream denoises every frame once, each at its own timestep; it "
                f"requires {owner}.{setting}.",
            )

    def _owner(self) -> str:
        """Name of these options in an error."""
        return "options"

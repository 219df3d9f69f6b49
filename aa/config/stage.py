"""Schema of the group `stage`."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.checks import not_negative, one_of, positive, wanted
from aa.config.patterns import chosen_names
from aa.config.published import PublishedSize
from aa.config.stream import StreamWindow

POSE_PROJECTION = "reference_unet.pose_proj."  # names of its parameters begin so
OBJECTIVES = ("denoising", "guidance", "few_steps")


@dataclass
class StageConfig:
    """A stage is data: what trains, on how many frames, for how long."""

    trainable: list[str] = MISSING  # patterns of parameter names, "!" in front takes away
    lora_rank: int = 0  # of adapters on attentions that `trainable` matches; 0: these train
    motion_modules: bool = MISSING  # whether the denoiser has them
    published_size: PublishedSize = field(default_factory=PublishedSize)  # data=... may take it
    num_frames: int = MISSING  # frames of a training item
    objective: str = "denoising"  # what is learned: denoising, guidance or few_steps
    guidance_scales: list[float] | None = None  # [lowest, highest] that an item draws; null: 1
    student_steps: int = 4  # few_steps: of DDIM, from noise to clean latents
    teacher_steps: int = 5  # few_steps: of the weights in init_from, for one of the student's
    stream_steps: int = 0  # noise levels that an item has side by side, for streams; 0: one level
    stream_chunk: int = 4  # with stream_steps: frames of one level
    max_steps: int = MISSING  # optimizer steps of the stage
    learning_rate: float = 1e-5  # the highest one
    weight_decay: float = 1e-2  # of AdamW
    lr_scheduler: str = "constant"  # constant, constant_with_warmup, linear or cosine
    warmup_steps: int = 1  # in which the learning rate rises
    per_device_batch_size: int = 1  # items of a process at once
    gradient_accumulation_steps: int = 1  # batches of an optimizer step
    max_grad_norm: float = 1.0  # gradients are clipped to it; 0 clips nothing
    skip_nonfinite: bool = False  # omit steps whose loss or gradients are no numbers
    ema_decay: float | None = None  # of a moving average of the weights; null: none
    snr_gamma: float | None = (
        5.0  # of min-SNR weights (arXiv 2303.09556); null: all samples weigh 1
    )
    temporal_weight: float = 0.0  # weight of the error of the change from frame to frame
    part_weight: float = 0.0  # what an error in face and hands counts beyond 1
    reference_pose: bool = False  # whether the reference network is given its image's pose
    noise_offset: float = 0.05  # share of a second noise, one value a channel
    uncond_ratio: float = 0.1  # share of the items that go without the character
    save_steps: int = 500  # a checkpoint every so many steps
    save_total_limit: int = 3  # how many of them are kept
    log_steps: int = 10  # a record every so many steps
    sample_steps: int = 0  # a sample clip every so many steps; 0: none
    init_from: str | None = MISSING  # a run folder or a weights folder; null: at random
    motion_init_from: str | None = None  # an AnimateDiff checkpoint for the motion modules

    def __post_init__(self) -> None:
        counts = ("num_frames", "max_steps", "learning_rate", "per_device_batch_size")
        counts += ("gradient_accumulation_steps", "save_steps", "save_total_limit", "log_steps")
        positive("stage", self, *counts, "stream_chunk")
        others = ("weight_decay", "warmup_steps", "max_grad_norm", "noise_offset", "sample_steps")
        others += ("temporal_weight", "lora_rank", "part_weight", "stream_steps")
        not_negative("stage", self, *others)
        self._check_objective()
        self._check_stream()
        schedulers = ("constant", "constant_with_warmup", "linear", "cosine")
        one_of("stage", self, "lr_scheduler", schedulers)
        wanted(
            0 <= self.uncond_ratio <= 1,
            f"stage.uncond_ratio must be between 0 and 1, got {self.uncond_ratio}.",
        )
        wanted(
            self.motion_modules or not self.temporal_weight,
            "stage.temporal_weight needs frames in order: it goes with stage.motion_modules=true.",
        )
        wanted(
            self.snr_gamma is None or self.snr_gamma > 0,
            f"stage.snr_gamma must be more than 0 or null, got {self.snr_gamma}.",
        )
        wanted(
            self.ema_decay is None or 0 < self.ema_decay <= 1,
            f"stage.ema_decay must be more than 0 and at most 1, or null, got {self.ema_decay}.",
        )

    @property
    def stream(self) -> StreamWindow | None:
        """The window of a stream that an item is; None where all its frames have one level."""
        return StreamWindow(self.stream_steps, self.stream_chunk) if self.stream_steps else None

    @property
    def distils(self) -> bool:
        """Whether the target comes from the weights that the stage starts from."""
        return self.objective != "denoising"

    @property
    def trains_pose_projection(self) -> bool:
        """Whether `trainable` lets some of the projection of the reference's pose train."""
        names = (f"{POSE_PROJECTION}{name}" for name in ("weight", "bias"))
        return bool(chosen_names(names, self.trainable)) and not self.lora_rank

    def _check_stream(self) -> None:
        if self.stream is None:
            return
        wanted(
            self.motion_modules and self.objective != "few_steps",
            "stage.stream_steps goes with stage.motion_modules=true, and with "
            "stage.objective=denoising or guidance.",
        )
        wanted(
            self.snr_gamma is not None,
            "stage.stream_steps needs stage.snr_gamma: without it a third of the loss is of frames "
            "that are clean already; got null.",
        )
        wanted(
            self.num_frames == self.stream.frames,
            f"stage.num_frames must be stage.stream_chunk * (stage.stream_steps + 2) = "
            f"{self.stream.frames}, got {self.num_frames}: the window of a stream has a chunk for "
            "each step, the last clean chunk and the first.",
        )

    def _check_objective(self) -> None:
        one_of("stage", self, "objective", OBJECTIVES)
        positive("stage", self, "student_steps", "teacher_steps")
        wanted(
            not self.distils or not self.uncond_ratio,
            f"stage.objective={self.objective} goes with stage.uncond_ratio=0, got "
            f"{self.uncond_ratio}: its teacher knows what there is without a character.",
        )
        wanted(
            self.objective != "guidance" or self.guidance_scales is not None,
            "stage.objective=guidance needs stage.guidance_scales=[lowest,highest].",
        )
        scales = self.guidance_scales
        wanted(
            scales is None or (len(scales) == 2 and 1 <= scales[0] <= scales[1] < 100),
            "stage.guidance_scales must be [lowest,highest], from 1 (none) on and below 100, got "
            f"{scales}.",
        )
        wanted(
            scales is None or self.distils,
            "stage.guidance_scales is for stage.objective=guidance and few_steps; use null.",
        )

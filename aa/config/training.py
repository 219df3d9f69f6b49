"""Schemas of the groups `data` and `stage`."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.checks import not_negative, one_of, positive, seed_range, size, wanted
from aa.config.published import PublishedSize


@dataclass
class GenerateConfig:
    """A generated set of moving figures; made once, reused while these values stay."""

    folder: str = "outputs/data/puppets"
    num_clips: int = 16
    num_frames: int = 32
    fps: int = 12
    seed: int = 0
    scale: int = 2  # drawn this much larger than data.height and data.width

    def __post_init__(self):
        positive("data.generate", self, "num_clips", "num_frames", "fps", "scale")
        seed_range("data.generate.seed", self.seed)


@dataclass
class DataConfig:
    """Where clips come from and how frames are cut and sampled."""

    manifest: str | None = None  # json list of {"video_path", "kps_path"}
    folder: str | None = None  # or a folder with video/ and video_dwpose/
    generate: GenerateConfig | None = None  # or figures made on the spot
    height: int = MISSING
    width: int = MISSING
    fit: str = "pad"  # pad: whole frame on black; crop: largest box of the right shape
    crop_scale: list[float] = field(default_factory=lambda: [1.0, 1.0])  # random scale of that box
    sample_margin: int = 30  # stage 1: frames between reference and target, where there are
    frame_stride: int = 4  # stage 2: frames from one to the next
    num_workers: int = 2  # processes that read clips
    skip_bad: bool = False  # go on without clips that cannot be read
    allow_outside: bool = False  # relative paths of a manifest may lead out of its data root
    cache_gb: float = 0.0  # memory of each reading process for clips kept decoded; fit=pad only
    latents: str | None = None  # folder where frames stay encoded by the VAE; fit=pad only

    def __post_init__(self):
        given = [k for k in ("manifest", "folder", "generate") if getattr(self, k)]
        wanted(
            len(given) == 1,
            "data needs exactly one of data.manifest=<json>, data.folder=<folder> and "
            f"data.generate, got {' and '.join(given) or 'none of them'}.",
        )
        size("data", self)
        one_of("data", self, "fit", ("pad", "crop"))
        positive("data", self, "frame_stride")
        not_negative("data", self, "sample_margin", "num_workers", "cache_gb")
        wanted(
            self.fit == "pad" or not (self.cache_gb or self.latents),
            'data.cache_gb and data.latents go with data.fit=pad only: "crop" cuts every item '
            "anew; use data.cache_gb=0 data.latents=null.",
        )
        wanted(
            not (self.cache_gb and self.latents),
            "data.cache_gb keeps clips decoded, data.latents keeps them encoded: choose one; use "
            "data.cache_gb=0 or data.latents=null.",
        )
        low, high = self.crop_scale if len(self.crop_scale) == 2 else (0, 0)
        wanted(
            0 < low <= high <= 1,
            f"data.crop_scale must be [low, high] within (0, 1], got {list(self.crop_scale)}.",
        )


@dataclass
class StageConfig:
    """A stage is data: what trains, on how many frames, for how long."""

    trainable: list[str] = MISSING  # patterns of parameter names, "!" in front takes away
    motion_modules: bool = MISSING  # whether the denoiser has them
    published_size: PublishedSize = field(default_factory=PublishedSize)  # data=... may take it
    num_frames: int = MISSING
    max_steps: int = MISSING
    learning_rate: float = 1e-5
    weight_decay: float = 1e-2
    lr_scheduler: str = "constant"
    warmup_steps: int = 1
    per_device_batch_size: int = 1
    gradient_accumulation_steps: int = 1
    max_grad_norm: float = 1.0  # 0 clips nothing
    skip_nonfinite: bool = False  # leave out steps whose loss or gradients are no numbers
    ema_decay: float | None = None  # null: no moving average of the weights
    snr_gamma: float | None = 5.0  # null: every sample weighs 1
    temporal_weight: float = 0.0  # of the error of the change from frame to frame
    noise_offset: float = 0.05
    uncond_ratio: float = 0.1
    save_steps: int = 500
    save_total_limit: int = 3
    log_steps: int = 10
    sample_steps: int = 0  # 0: no sample pictures
    init_from: str | None = MISSING  # a run folder or a weights folder; null: at random
    motion_init_from: str | None = None  # an AnimateDiff checkpoint for the motion modules

    def __post_init__(self):
        counts = ("num_frames", "max_steps", "learning_rate", "per_device_batch_size")
        counts += ("gradient_accumulation_steps", "save_steps", "save_total_limit", "log_steps")
        positive("stage", self, *counts)
        others = ("weight_decay", "warmup_steps", "max_grad_norm", "noise_offset", "sample_steps")
        others += ("temporal_weight",)
        not_negative("stage", self, *others)
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

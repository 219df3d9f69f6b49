"""Schemas of all config groups and the checks of their values. Imports no paddle.

The yaml files under `conf/` fill these dataclasses; a key that none of them knows, a wrong type or
an impossible value is a `UserError` before anything heavy is loaded.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from aa.errors import UserError


def _wanted(condition, message):
    if not condition:
        raise UserError(message)


def _positive(owner, config, *keys):
    for key in keys:
        value = getattr(config, key)
        _wanted(value > 0, f"{owner}.{key} must be more than 0, got {value}.")


def _not_negative(owner, config, *keys):
    for key in keys:
        value = getattr(config, key)
        _wanted(value >= 0, f"{owner}.{key} must not be negative, got {value}.")


def _one_of(owner, config, key, options):
    value = getattr(config, key)
    _wanted(value in options, f"{owner}.{key} must be one of {', '.join(options)}, got {value}.")


def _size(owner, config):
    for key in ("height", "width"):
        value = getattr(config, key)
        _wanted(
            value > 0 and value % 8 == 0,
            f"{owner}.{key} must be a multiple of 8 (the VAE's stride), got {value}; "
            f"try {max(8, round(value / 8) * 8)}.",
        )


@dataclass
class VaeConfig:
    """AutoencoderKL: 8 pixels to a side of a latent (published: sd-vae-ft-mse)."""

    block_out_channels: list[int] = field(default_factory=lambda: [128, 256, 512, 512])
    layers_per_block: int = 2
    latent_channels: int = 4
    norm_num_groups: int = 32
    scaling_factor: float = 0.18215

    def __post_init__(self):
        _wanted(
            len(self.block_out_channels) == 4,
            "model.vae.block_out_channels must have 4 entries (a stride of 8), got "
            f"{list(self.block_out_channels)}.",
        )


@dataclass
class ImageEncoderConfig:
    """CLIP vision transformer with projection (published: that of sd-image-variations)."""

    hidden_size: int = 1024
    intermediate_size: int = 4096
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    patch_size: int = 14
    image_size: int = 224
    projection_dim: int = 768
    hidden_act: str = "quick_gelu"


@dataclass
class NoiseScheduleConfig:
    """One schedule for training and inference: v-prediction, zero terminal SNR, trailing steps."""

    num_train_timesteps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: str = "linear"  # linear or scaled_linear

    def __post_init__(self):
        _one_of("model.noise_schedule", self, "beta_schedule", ("linear", "scaled_linear"))
        _positive("model.noise_schedule", self, "num_train_timesteps", "beta_start", "beta_end")


@dataclass
class ModelConfig:
    """Sizes of all networks; the defaults are SD1.5's."""

    block_out_channels: list[int] = field(default_factory=lambda: [320, 640, 1280, 1280])
    layers_per_block: int = 2
    attention_heads: int = 8
    cross_attention_dim: int = 768
    norm_num_groups: int = 32
    motion_heads: int = 8
    motion_max_frames: int = 32
    vae: VaeConfig = field(default_factory=VaeConfig)
    image_encoder: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    noise_schedule: NoiseScheduleConfig = field(default_factory=NoiseScheduleConfig)

    def __post_init__(self):
        for key, divisor in (
            ("norm_num_groups", self.norm_num_groups),
            ("attention_heads", self.attention_heads),
            ("motion_heads", self.motion_heads),
        ):
            odd = [c for c in self.block_out_channels if divisor <= 0 or c % divisor]
            _wanted(
                not odd,
                f"model.block_out_channels must be multiples of model.{key} ({divisor}), got {odd}.",
            )
        _wanted(
            self.cross_attention_dim == self.image_encoder.projection_dim,
            f"model.cross_attention_dim ({self.cross_attention_dim}) must equal "
            f"model.image_encoder.projection_dim ({self.image_encoder.projection_dim}).",
        )


@dataclass
class TrainModelConfig(ModelConfig):
    """`base_weights`: the folder training starts from by default; null starts at random."""

    base_weights: str | None = None

    def network(self):
        """The sizes alone, as weights folders keep them."""
        values = {key: getattr(self, key) for key in ModelConfig.__dataclass_fields__}
        return ModelConfig(**values)


@dataclass
class GenerateConfig:
    """A generated set of moving figures; made once, reused while these values stay."""

    folder: str = "outputs/data/puppets"
    num_clips: int = 16
    num_frames: int = 32
    fps: int = 12
    seed: int = 0

    def __post_init__(self):
        _positive("data.generate", self, "num_clips", "num_frames", "fps")


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

    def __post_init__(self):
        given = [k for k in ("manifest", "folder", "generate") if getattr(self, k)]
        _wanted(
            len(given) == 1,
            "data needs exactly one of data.manifest, data.folder and data.generate, "
            f"got {' and '.join(given) or 'none'}.",
        )
        _size("data", self)
        _one_of("data", self, "fit", ("pad", "crop"))
        _positive("data", self, "frame_stride")
        _not_negative("data", self, "sample_margin", "num_workers")
        low, high = self.crop_scale if len(self.crop_scale) == 2 else (0, 0)
        _wanted(
            0 < low <= high <= 1,
            f"data.crop_scale must be [low, high] within (0, 1], got {list(self.crop_scale)}.",
        )


@dataclass
class StageConfig:
    """A stage is data: what trains, on how many frames, for how long."""

    trainable: list[str] = MISSING  # patterns of parameter names, "!" in front takes away
    motion_modules: bool = MISSING  # whether the denoiser has them
    num_frames: int = MISSING
    max_steps: int = MISSING
    learning_rate: float = 1e-5
    weight_decay: float = 1e-2
    lr_scheduler: str = "constant"
    warmup_steps: int = 1
    per_device_batch_size: int = 1
    gradient_accumulation_steps: int = 1
    max_grad_norm: float = 1.0  # 0 clips nothing
    ema_decay: float | None = None  # null: no moving average of the weights
    snr_gamma: float | None = 5.0  # null: every sample weighs 1
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
        _positive("stage", self, *counts)
        others = ("weight_decay", "warmup_steps", "max_grad_norm", "noise_offset", "sample_steps")
        _not_negative("stage", self, *others)
        _one_of("stage", self, "lr_scheduler", ("constant", "constant_with_warmup", "linear", "cosine"))
        _wanted(
            0 <= self.uncond_ratio <= 1,
            f"stage.uncond_ratio must be between 0 and 1, got {self.uncond_ratio}.",
        )
        for key in ("snr_gamma", "ema_decay"):
            value = getattr(self, key)
            _wanted(value is None or value > 0, f"stage.{key} must be more than 0 or null, got {value}.")


@dataclass
class ShardingConfig:
    """How optimizer state (stage1), gradients (stage2) and weights (stage3) are split."""

    level: str = "none"
    offload: bool = False

    def __post_init__(self):
        _one_of("hardware.sharding", self, "level", ("none", "stage1", "stage2", "stage3"))


@dataclass
class HardwareConfig:
    """The machine: device, precision it can do, memory savers."""

    device: str = MISSING  # cpu or gpu
    devices: int = 1  # processes on this machine, one per device
    precision: str = "float32"  # float16 (loss scaling, float32 master weights) or bfloat16
    recompute: bool = False  # drop activations, compute them again going backward
    num_threads: int = 0  # CPU threads per process; 0: the cores divided by the processes
    sharding: ShardingConfig = field(default_factory=ShardingConfig)

    def __post_init__(self):
        _one_of("hardware", self, "device", ("cpu", "gpu"))
        _one_of("hardware", self, "precision", ("float32", "float16", "bfloat16"))
        _positive("hardware", self, "devices")
        _not_negative("hardware", self, "num_threads")
        _wanted(
            self.device == "gpu" or self.precision == "float32",
            f"hardware.precision={self.precision} needs a GPU (Paddle has no such convolution on "
            "the CPU); use hardware.precision=float32.",
        )
        _wanted(
            self.device == "gpu" or self.sharding.level in ("none", "stage1"),
            f"hardware/sharding={self.sharding.level} needs GPUs; on the CPU use none or stage1.",
        )


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
    format: str = "mp4"
    decode_batch_size: int = 4  # frames the VAE decodes at once

    def __post_init__(self):
        if self.width is not None and self.height is not None:
            _size("inference", self)
        _wanted(
            (self.width is None) == (self.height is None),
            "inference.width and inference.height must be given together.",
        )
        counts = ("num_inference_steps", "context_frames", "context_stride", "decode_batch_size")
        _positive("inference", self, *counts)
        _not_negative("inference", self, "context_overlap", "guidance_scale")
        for key in ("num_frames", "fps"):
            if getattr(self, key) is not None:
                _positive("inference", self, key)
        _wanted(
            self.context_overlap < self.context_frames,
            f"inference.context_overlap ({self.context_overlap}) must be less than "
            f"inference.context_frames ({self.context_frames}).",
        )
        _one_of("inference", self, "fit", ("pad", "crop"))
        _one_of("inference", self, "format", ("mp4", "gif", "png"))


@dataclass
class TrainConfig:
    """`runners/train.py`."""

    defaults: list[Any] = field(default_factory=list)
    model: TrainModelConfig = MISSING
    data: DataConfig = MISSING
    stage: StageConfig = MISSING
    hardware: HardwareConfig = MISSING
    inference: InferenceConfig = MISSING
    seed: int = 42
    name: str = "train"

    def __post_init__(self):
        frames, most = self.stage.num_frames, self.model.motion_max_frames
        _wanted(
            not self.stage.motion_modules or frames <= most,
            f"stage.num_frames ({frames}) must be at most model.motion_max_frames ({most}).",
        )


@dataclass
class InferConfig:
    """`runners/infer.py`."""

    defaults: list[Any] = field(default_factory=list)
    weights: str = MISSING
    reference: str | None = None
    pose: str | None = None
    cases: str | None = None  # yaml: reference image -> list of pose videos
    hardware: HardwareConfig = MISSING
    inference: InferenceConfig = MISSING
    name: str = "infer"

    def __post_init__(self):
        _wanted(
            bool(self.cases) != bool(self.reference and self.pose),
            "give reference=<image> pose=<video>, or +cases=<yaml file>.",
        )


def to_config(config):
    """The composed DictConfig as its dataclass, every check run.

    Raises:
        UserError: a value is missing, of the wrong type or impossible.
    """
    try:
        return OmegaConf.to_object(config)
    except OmegaConfBaseException as error:
        raise UserError(one_line(error)) from error


def model_from_dict(values):
    """ModelConfig from the plain dict of a weights folder's config.json."""
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ModelConfig), values))
    except OmegaConfBaseException as error:
        raise UserError(f"config.json does not describe a model: {one_line(error)}") from error


def to_dict(config):
    """A config as plain values, for json."""
    return asdict(config)


def one_line(error):
    """The first line of a Hydra or OmegaConf error, with the key it is about."""
    text = str(error).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    key = getattr(error, "full_key", None)
    if isinstance(error, MissingMandatoryValue):
        return f"{key} must be given: add {key}=<value> (conf/ says what it is)."
    return f"{key}: {first}" if key and key not in first else first

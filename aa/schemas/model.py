"""Schema of the group `model`: sizes of all networks and the noise schedule."""

from dataclasses import dataclass, field

from aa.schemas.checks import multiples, one_of, positive, wanted


@dataclass
class VaeConfig:
    """AutoencoderKL: 8 pixels to a side of a latent (published: sd-vae-ft-mse)."""

    block_out_channels: list[int] = field(default_factory=lambda: [128, 256, 512, 512])
    layers_per_block: int = 2
    latent_channels: int = 4
    norm_num_groups: int = 32
    scaling_factor: float = 0.18215

    def __post_init__(self):
        wanted(
            len(self.block_out_channels) == 4,
            "model.vae.block_out_channels must have 4 entries (a stride of 8), got "
            f"{list(self.block_out_channels)}.",
        )
        positive("model.vae", self, "layers_per_block", "latent_channels", "norm_num_groups")
        positive("model.vae", self, "scaling_factor")
        multiples("model.vae", self, "norm_num_groups")


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

    def __post_init__(self):
        counts = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        positive("model.image_encoder", self, *counts, "patch_size", "image_size", "projection_dim")
        wanted(
            self.hidden_size % self.num_attention_heads == 0,
            f"model.image_encoder.hidden_size ({self.hidden_size}) must be a multiple of "
            f"model.image_encoder.num_attention_heads ({self.num_attention_heads}).",
        )


@dataclass
class NoiseScheduleConfig:
    """One schedule for training and inference: v-prediction, zero terminal SNR, trailing steps."""

    num_train_timesteps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: str = "linear"  # linear or scaled_linear

    def __post_init__(self):
        one_of("model.noise_schedule", self, "beta_schedule", ("linear", "scaled_linear"))
        positive("model.noise_schedule", self, "num_train_timesteps", "beta_start", "beta_end")
        wanted(
            self.beta_start <= self.beta_end < 1,
            f"model.noise_schedule.beta_end must be between beta_start ({self.beta_start}) and 1, "
            f"got {self.beta_end}.",
        )


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
        divisors = ("norm_num_groups", "attention_heads", "motion_heads")
        positive("model", self, "layers_per_block", "motion_max_frames", *divisors)
        for key in divisors:
            multiples("model", self, key)
        wanted(
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

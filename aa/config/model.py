"""Schema of the group `model`: sizes of all networks and the noise schedule."""

import math
from dataclasses import dataclass, field

from aa.config.checks import at_most, multiples, one_of, positive, wanted

MOST_LAYERS, MOST_LEVELS, MOST_CHANNELS = 32, 8, 32768  # far above any published model's


@dataclass
class VaeConfig:
    """Conversion of images into latents (published: sd-vae-ft-mse).

    `autoencoder_kl` is AutoencoderKL, 8 pixels to a side of a latent. `space_to_depth` stacks the
    pixels of every `stride` x `stride` square as channels: no weights, nothing lost.
    """

    kind: str = "autoencoder_kl"  # autoencoder_kl or space_to_depth
    stride: int = 8  # pixels to a side of a latent
    block_out_channels: list[int] = field(
        default_factory=lambda: [128, 256, 512, 512]
    )  # of its levels, high to low resolution
    layers_per_block: int = 2  # resnets of a level
    latent_channels: int = 4  # numbers of a place of the latents
    norm_num_groups: int = 32  # of every GroupNorm
    scaling_factor: float = 0.18215  # what latents are multiplied by

    def __post_init__(self) -> None:
        one_of("model.vae", self, "kind", ("autoencoder_kl", "space_to_depth"))
        positive("model.vae", self, "stride", "latent_channels", "scaling_factor")
        at_most("model.vae", self, MOST_LAYERS, "layers_per_block")
        at_most("model.vae", self, MOST_CHANNELS, "block_out_channels", "latent_channels")
        if self.kind == "space_to_depth":
            channels = 3 * self.stride**2
            wanted(
                self.latent_channels == channels,
                f"model.vae.latent_channels must be {channels} (3 x stride x stride) for "
                f"space_to_depth, got {self.latent_channels}.",
            )
            return
        wanted(
            self.stride == 8 and len(self.block_out_channels) == 4,
            "model.vae.block_out_channels must have 4 entries and model.vae.stride be 8, got "
            f"{list(self.block_out_channels)} and {self.stride}.",
        )
        positive("model.vae", self, "layers_per_block", "norm_num_groups")
        multiples("model.vae", self, "norm_num_groups")


@dataclass
class ImageEncoderConfig:
    """Encoder of the character's image into one token.

    `clip` is a CLIP vision transformer with projection (published: that of sd-image-variations),
    which never trains. `pooled` is three convolutions and a mean over the image; it learns with
    the networks and reads only `image_size`, `hidden_size` and `projection_dim`.
    """

    kind: str = "clip"  # clip or pooled
    hidden_size: int = 1024  # width of its tokens
    intermediate_size: int = 4096  # width inside its feed-forwards
    num_hidden_layers: int = 24  # of its transformer
    num_attention_heads: int = 16  # of every attention
    patch_size: int = 14  # pixels to a side of a token
    image_size: int = 224  # pixels to a side of what it sees
    projection_dim: int = 768  # width of the one token it gives
    hidden_act: str = "quick_gelu"  # quick_gelu or gelu

    def __post_init__(self) -> None:
        one_of("model.image_encoder", self, "kind", ("clip", "pooled"))
        counts = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        positive("model.image_encoder", self, *counts, "patch_size", "image_size", "projection_dim")
        at_most("model.image_encoder", self, 4 * MOST_LAYERS, "num_hidden_layers")
        widths = ("hidden_size", "intermediate_size", "image_size", "projection_dim")
        at_most("model.image_encoder", self, MOST_CHANNELS, *widths)
        wanted(
            self.kind == "pooled" or self.patch_size <= self.image_size,
            f"model.image_encoder.patch_size ({self.patch_size}) must be at most "
            f"model.image_encoder.image_size ({self.image_size}).",
        )
        one_of("model.image_encoder", self, "hidden_act", ("quick_gelu", "gelu"))
        wanted(
            self.hidden_size % self.num_attention_heads == 0,
            f"model.image_encoder.hidden_size ({self.hidden_size}) must be a multiple of "
            f"model.image_encoder.num_attention_heads ({self.num_attention_heads}).",
        )


@dataclass
class NoiseScheduleConfig:
    """One schedule for training and inference: v-prediction, zero terminal SNR, trailing steps."""

    num_train_timesteps: int = 1000  # steps of the whole schedule
    beta_start: float = 0.00085  # of the first step
    beta_end: float = 0.012  # of the last step
    beta_schedule: str = "linear"  # linear or scaled_linear

    def __post_init__(self) -> None:
        one_of("model.noise_schedule", self, "beta_schedule", ("linear", "scaled_linear"))
        positive("model.noise_schedule", self, "num_train_timesteps", "beta_start", "beta_end")
        at_most("model.noise_schedule", self, 100_000, "num_train_timesteps")
        wanted(
            self.beta_start <= self.beta_end < 1,
            f"model.noise_schedule.beta_end must be between beta_start ({self.beta_start}) and 1, "
            f"got {self.beta_end}.",
        )


@dataclass
class ModelConfig:
    """Sizes of all networks; the defaults are SD1.5's.

    `architecture` says what the UNets and the pose guider are made of: `sd15` as published,
    `compact` for small models that train from nothing (see `models.compact`).
    """

    architecture: str = "sd15"  # sd15 or compact
    prediction_type: str = "v_prediction"  # v_prediction, or sample: the clean latents
    attention_levels: list[int] | None = (
        None  # levels with attention, 0 the highest; null: all but the lowest
    )
    up_attention_levels: list[int] | None = None  # those on the way up; null: attention_levels
    block_out_channels: list[int] = field(
        default_factory=lambda: [320, 640, 1280, 1280]
    )  # of the UNets' levels
    layers_per_block: int = 2  # resnets of a level on the way down
    attention_heads: int = 8  # of every spatial attention
    cross_attention_dim: int = 768  # width of the image token
    norm_num_groups: int = 32  # of every GroupNorm
    motion_heads: int = 8  # of every motion module
    motion_max_frames: int = 32  # the most frames of one call
    vae: VaeConfig = field(default_factory=VaeConfig)
    image_encoder: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    noise_schedule: NoiseScheduleConfig = field(default_factory=NoiseScheduleConfig)

    def __post_init__(self) -> None:
        one_of("model", self, "architecture", ("sd15", "compact"))
        one_of("model", self, "prediction_type", ("v_prediction", "sample"))
        depth = len(self.block_out_channels)
        for key in ("attention_levels", "up_attention_levels"):
            levels = getattr(self, key)
            wanted(
                all(0 <= level < depth - 1 for level in levels or []),
                f"model.{key} must be among 0..{depth - 2}, the levels above the lowest, "
                f"got {levels}.",
            )
        divisors = ("norm_num_groups", "attention_heads", "motion_heads")
        positive("model", self, "layers_per_block", "motion_max_frames", *divisors)
        at_most("model", self, MOST_LAYERS, "layers_per_block")
        at_most("model", self, MOST_CHANNELS, "block_out_channels", "motion_max_frames")
        wanted(
            depth <= MOST_LEVELS,
            f"model.block_out_channels must have at most {MOST_LEVELS} entries, got {depth}.",
        )
        for key in divisors:
            multiples("model", self, key)
        wanted(
            self.cross_attention_dim == self.image_encoder.projection_dim,
            f"model.cross_attention_dim ({self.cross_attention_dim}) must equal "
            f"model.image_encoder.projection_dim ({self.image_encoder.projection_dim}).",
        )

    @property
    def size_step(self) -> int:
        """Number of pixels that height and width must be multiples of."""
        halvings = len(self.block_out_channels) - 1 if self.architecture == "compact" else 0
        return math.lcm(8, self.vae.stride * 2**halvings)


@dataclass
class TrainModelConfig(ModelConfig):
    """Sizes, and which weights a training starts from unless `stage` says others."""

    base_weights: str | None = None  # folder that stage 1 starts from; null: at random
    released_weights: str = ""  # folder of a trained first stage, for stage 2; "" for none
    motion_weights: str | None = None  # AnimateDiff checkpoint for stage 2; null: none

    def network(self) -> ModelConfig:
        """The sizes alone, as weights folders keep them."""
        values = {key: getattr(self, key) for key in ModelConfig.__dataclass_fields__}
        return ModelConfig(**values)

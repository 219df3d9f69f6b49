"""Schema of the group `data`."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.checks import not_negative, one_of, positive, seed_range, size, wanted


@dataclass
class GenerateConfig:
    """A generated set of moving figures; made once, reused while these values stay."""

    folder: str = "outputs/data/puppets"  # where the drawn clips lie
    num_clips: int = 16  # clips of the set
    num_frames: int = 32  # frames of every clip
    fps: int = 12  # frames a second
    seed: int = 0  # of figures and motions
    figure: int | None = None  # one figure in all clips, the held-out one of this number
    accessory: str = "none"  # what all figures wear: none or hat
    scale: int = 2  # drawn this much larger than data.height and data.width

    def __post_init__(self) -> None:
        positive("data.generate", self, "num_clips", "num_frames", "fps", "scale")
        seed_range("data.generate.seed", self.seed)
        if self.figure is not None:
            seed_range("data.generate.figure", self.figure)
        one_of("data.generate", self, "accessory", ("none", "hat"))


@dataclass
class DataConfig:
    """Source of the clips, and how frames are cut and sampled."""

    manifest: str | None = None  # the clips: a json list of {"video_path", "kps_path"}
    folder: str | None = None  # or a folder with video/ and video_dwpose/
    generate: GenerateConfig | None = None  # or figures that are made on the spot
    height: int = MISSING  # pixels of a training item, a multiple of 8
    width: int = MISSING  # pixels of a training item, a multiple of 8
    fit: str = "pad"  # pad: whole frame on black; crop: largest box of the right shape
    crop_scale: list[float] = field(
        default_factory=lambda: [1.0, 1.0]
    )  # with crop, random scale of that box
    sample_margin: int = 30  # stage 1: frames between reference and target, where there are
    frame_stride: int = 4  # stage 2: frames from one to the next
    num_workers: int = 2  # processes that read clips
    skip_bad: bool = False  # continue without clips that cannot be read
    allow_outside: bool = False  # relative paths of a manifest may lead out of its data root
    cache_gb: float = 0.0  # memory of each reading process for clips kept decoded; fit=pad only
    latents: str | None = None  # folder where frames stay encoded by the VAE; fit=pad only

    def __post_init__(self) -> None:
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

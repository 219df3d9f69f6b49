"""Schema of `runners/evaluate.py`."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.alerts import AlertsConfig
from aa.config.checks import rerun_folder, wanted
from aa.config.sweep import SweepConfig

METRICS = ("psnr", "psnr_figure", "ssim", "lpips", "fvd", "temporal_error", "temporal_error_figure")
ON_REQUEST = ("psnr_uint8_overflow",)  # says nothing about quality, so only by name
LOWER_IS_BETTER = ("loss", "lpips", "fvd", "temporal_error", "temporal_error_figure")


def higher_is_better(name: str) -> bool:
    """Return whether more of a metric is better."""
    return name not in LOWER_IS_BETTER


@dataclass
class EvaluateConfig:
    """Generated videos, the true ones, and what is measured."""

    generated: str = MISSING  # a folder of videos, the run folder of an animation, or one video
    truth: str = MISSING  # a folder of videos with the same names, or one video
    masks: str | None = None  # videos of the same names; white is the figure
    metrics: list[str] | None = None  # metrics to compute; null: all that can be
    fit: str | None = None  # bring true videos to the generated ones' size: pad or crop
    rerun: str | None = None  # the folder of a run to repeat in a new folder
    rerun_check: bool = False  # compare the result with that run's
    sweep: SweepConfig = field(default_factory=SweepConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    name: str = "evaluate"  # part of the run folder's name

    def __post_init__(self) -> None:
        rerun_folder(self)
        known = (*METRICS, *ON_REQUEST)
        names = known if self.metrics is None else self.metrics
        wrong = [name for name in names if name not in known]
        wanted(
            names and not wrong and len(set(names)) == len(names),
            f"metrics must be null or a list of some of {', '.join(known)}, each once; "
            f"got {self.metrics}.",
        )
        wanted(
            self.fit in (None, "pad", "crop"),
            f"fit must be pad, crop or null, got {self.fit}.",
        )
        inside = [name for name in self.metrics or () if name.endswith("_figure")]
        wanted(
            self.masks or not inside,
            f"{' and '.join(inside)}: needs masks=<folder of videos, white is the figure>.",
        )

"""Schema of the key `validation`: clips held out of training, and what is reported of them."""

from dataclasses import dataclass, field
from typing import Any

from aa.config.checks import not_negative, positive, seed_range, wanted
from aa.config.evaluation import METRICS

LOSS = "loss"
# Those inside a figure need masks, which clips to train on have none of.
VALIDATED = (LOSS, *(name for name in METRICS if not name.endswith("_figure")))


@dataclass
class ValidationConfig:
    """Number of clips that no training item shows, and how often the model is measured on them."""

    num_clips: int = 0  # clips held out, the same for every seed; 0: no validation
    steps: int = 250  # how often, and at the last step
    metrics: list[str] = field(
        default_factory=lambda: [LOSS]
    )  # loss, and metrics of animated clips
    seed: int = 0  # of frames, crops and noise
    keep_best: str | None = LOSS  # the metric by which checkpoints/best is chosen; null: none

    def __post_init__(self) -> None:
        not_negative("validation", self, "num_clips")
        positive("validation", self, "steps")
        seed_range("validation.seed", self.seed)
        names, wrong = self.metrics, [name for name in self.metrics if name not in VALIDATED]
        wanted(
            names and not wrong and len(set(names)) == len(names),
            f"validation.metrics must be a list of some of {', '.join(VALIDATED)}, each once; "
            f"got {names}.",
        )
        wanted(
            self.keep_best is None or self.keep_best in names,
            f"validation.keep_best={self.keep_best} is not among validation.metrics, got {names}: "
            "add it there, choose one of them, or null.",
        )

    @property
    def animated(self) -> list[str]:
        """The metrics of videos, for which clips are animated; none without validation."""
        return [name for name in self.metrics if name != LOSS] if self.num_clips else []


def check_validation(config: Any) -> None:
    """Check what a `TrainConfig` expects of its validation."""
    options, test, drawn = config.validation, config.test, config.data.generate
    wanted(
        not options.animated or test is None,
        f"validation.metrics must be [{LOSS}] beside test, whose figures are scored already; got "
        f"{options.metrics}.",
    )
    wanted(
        drawn is None or options.num_clips < drawn.num_clips,
        f"validation.num_clips ({options.num_clips}) must be less than data.generate.num_clips "
        f"({drawn and drawn.num_clips}): what is held out is not trained on.",
    )
    wanted(
        not options.num_clips or config.hardware.sharding.level != "stage3",
        "hardware/sharding=stage3 keeps slices of the weights: it goes with "
        "validation.num_clips=0 only.",
    )

"""Schema of the key `sweep`: what the jobs of `-m` have in common."""

from dataclasses import dataclass

from aa.schemas.checks import not_negative, wanted


@dataclass
class SweepConfig:
    """How a sweep treats its jobs; nothing of it decides the result of one."""

    metric: str | None = None  # jobs are compared by it: val/loss, test/psnr, ...
    direction: str | None = None  # min or max; null: what is better of that metric
    retries: int = 0  # how often a failed job is tried again
    fail_fast: bool = False  # after a failed job no other is started
    resume: str | None = None  # the folder of a stopped sweep, to go on with

    def __post_init__(self):
        not_negative("sweep", self, "retries")
        wanted(
            self.direction in (None, "min", "max"),
            f"sweep.direction must be min, max or null, got {self.direction}.",
        )
        wanted(
            self.metric is None or len(self.metric.strip("/").split("/")) == 2,
            "sweep.metric must be a group and a name, like val/loss or test/psnr, got "
            f"{self.metric}.",
        )

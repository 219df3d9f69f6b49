"""Schema of the key `sweep`: what the jobs of `-m` have in common."""

from dataclasses import dataclass

from aa.config.checks import not_negative, wanted

GROUPS = ("train", "val", "test", "eval")


@dataclass
class SweepConfig:
    """Treatment of a sweep's jobs; nothing of it decides the result of one."""

    metric: str | None = None  # jobs are compared by it: val/loss, test/psnr, ...
    direction: str | None = None  # min or max; null: what is better of that metric
    retries: int = 0  # how often a failed job is tried again
    fail_fast: bool = False  # after a failed job no other is started
    resume: str | None = None  # the folder of a stopped sweep, to resume
    zip: list[str] | None = None  # keys whose values go together, not in all combinations
    exclude: list[str] | None = None  # conditions, as "data.height=512 seed=2", of omitted jobs

    def __post_init__(self) -> None:
        not_negative("sweep", self, "retries")
        wanted(
            self.direction in (None, "min", "max"),
            f"sweep.direction must be min, max or null, got {self.direction}.",
        )
        group, _, name = (self.metric or "train/loss").partition("/")
        wanted(
            group in GROUPS and name,
            f"sweep.metric must be one of {', '.join(GROUPS)}, a slash and a name, like val/loss "
            f"or test/psnr, got {self.metric}.",
        )

"""Schema of the key `alerts`: whom a run tells what has come of it, and what it tells."""

import re
from dataclasses import dataclass

from aa.config.checks import positive, wanted

ADDRESS = re.compile(r"https?://\S+|env:[A-Za-z_]\w*")


@dataclass
class AlertsConfig:
    """Addresses of alerts and their limits; nothing of it decides the result of a run."""

    url: str | None = None  # a webhook, or env:NAME of the variable that holds it
    command: list[str] | None = None  # words of a program, no shell; %text is what there is to say
    loss_spike: float | None = 6.0  # robust standard deviations of log loss; null: none
    stall: float | None = 10.0  # times the usual step without one; null: never
    disk_gb: float | None = 2.0  # less is left on the disk of the run folder; null: never
    per_hour: int = 12  # at most, the end of the run aside

    def __post_init__(self) -> None:
        wanted(
            self.url is None or ADDRESS.fullmatch(self.url),
            "alerts.url must be an http:// or https:// address, or env:NAME for the one in the "
            "environment.",  # what it is may be a secret
        )
        wanted(
            self.command is None or (self.command and all(self.command)),
            f"alerts.command must be a list of words, as [notify-send,aa,%text], got "
            f"{self.command}.",
        )
        given = [key for key in ("loss_spike", "disk_gb") if getattr(self, key) is not None]
        positive("alerts", self, *given, "per_hour")
        wanted(
            self.stall is None or 1 < self.stall < float("inf"),
            f"alerts.stall must be more than 1, or null, got {self.stall}.",
        )

    @property
    def wanted(self) -> bool:
        """Return whether there is anybody to tell."""
        return bool(self.url or self.command)

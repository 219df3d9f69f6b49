"""Schema of `runners/app.py`."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.checks import positive, wanted

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_TOKEN = 16  # characters: what can be tried a hundred times a second must be long


@dataclass
class ServerConfig:
    """Where the page is served, to whom, and what it may read."""

    host: str = "127.0.0.1"  # address to listen on; 0.0.0.0, every one of this machine, needs token
    port: int = 8321  # to listen on; 0: any that is free
    token: str | None = None  # a secret of 16 characters or more to log in with, or env:NAME
    outputs: str = "outputs"  # the folder that runs are below, and the page's own folder, app
    folders: list[str] = field(  # further folders with files that may be used
        default_factory=lambda: ["examples", "pretrained_weights"]
    )
    upload_mb: int = 500  # megabytes of one upload at most
    uploads: int = 200  # files at most that are kept of uploads

    def __post_init__(self) -> None:
        wanted(
            0 <= self.port < 2**16, f"app.port must be between 0 and {2**16 - 1}, got {self.port}."
        )
        positive("app", self, "upload_mb", "uploads")
        named = self.token is not None and self.token.startswith("env:")
        wanted(
            self.token is None or named or len(self.token) >= LEAST_TOKEN,
            f"app.token must have {LEAST_TOKEN} characters or more, or be env:NAME, the variable "
            "that holds it.",  # what it is, is a secret
        )
        wanted(
            self.host in LOOPBACK or self.token,
            f"app.host={self.host} lets other machines in: add app.token=<a secret of "
            f"{LEAST_TOKEN} characters or more>, or app.token=env:NAME.",
        )


@dataclass
class AppConfig:
    """A local page to animate with, and to look at runs."""

    app: ServerConfig = MISSING
    name: str = "aa"  # title of the page, which tells several servers apart

    def __post_init__(self) -> None:
        wanted(self.app.outputs, "app.outputs must name a folder.")

"""What all screens of the page share."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import current_app

from aa.app.places import Places
from aa.config.app import ServerConfig

if TYPE_CHECKING:
    from aa.app.checks import Checks
    from aa.app.estimates import Plans
    from aa.app.figure import Figure
    from aa.app.queue import Queue
    from aa.app.shelf import Shelf
    from aa.app.uploads import Uploads

KEY = "aa"  # of the desk among Flask's extensions


@dataclass
class Desk:
    """The server's settings and its parts.

    Attributes:
        options: checked.
        title: of the page.
        home: the page's own folder: its queue, its uploads.
        token: the secret to log in with; None where nobody has to.
        places: the folders whose files may be used.
        shelf: the runs there are.
    """

    options: ServerConfig
    title: str
    home: Path
    token: str | None
    places: Places
    shelf: "Shelf"
    queue: "Queue"
    uploads: "Uploads"
    checks: "Checks"
    plans: "Plans"
    figure: "Figure"
    session: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def outputs(self) -> Path:
        """The folder that runs are below."""
        return Path(self.options.outputs)


def desk() -> Desk:
    """The desk of the request in hand."""
    return cast(Desk, current_app.extensions[KEY])

"""The videos that a data set is made of, and their names in it."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from aa.data.folders import find_videos
from aa.errors import UserError
from aa.files import VIDEO_ENDINGS
from aa.runs.fingerprints import fingerprint

LONGEST = 40  # characters that a clip's name has of its video's


@dataclass(frozen=True)
class Source:
    """A video to take clips from.

    Attributes:
        path: of the file.
        name: its path below the folder of all sources, with slashes.
    """

    path: Path
    name: str

    @property
    def digest(self) -> str:
        """What tells it from other sources, in letters that any file name may have."""
        return sha256(self.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    @property
    def stem(self) -> str:
        """Start of its clips' names: to be read, and different from those of other sources."""
        words = re.sub(r"[^A-Za-z0-9]+", "_", Path(self.name).stem).strip("_")
        return f"{words[:LONGEST] or 'video'}-{self.digest[:8]}"

    def identity(self) -> dict[str, Any]:
        """Size and hash of the file at three places: whether it is still the same one.

        Raises:
            OSError: it cannot be read.
        """
        return next(iter(fingerprint([self.path], small=0)["files"].values()))


def find_sources(source: str | Path) -> list[Source]:
    """The videos of a folder and its folders, in the order of their paths; or the one video.

    Raises:
        UserError: there is none.
    """
    source = Path(source)
    if source.is_file():
        return [Source(source, source.name)]
    videos, _ = find_videos(source)
    if not videos:
        raise UserError(
            f"source={source}: holds no video; wanted files ending in {', '.join(VIDEO_ENDINGS)}."
        )
    return [Source(source / name, name.as_posix()) for name in videos]

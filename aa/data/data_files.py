"""The places of the files of a data set that a manifest names."""

import os
from pathlib import Path

from aa.data.listings import Listings, exists, is_file


class DataFiles:
    """The files of a data set, found under its root or else under the working directory.

    A name may begin with that of the root itself: "set/video/1.mp4" below the root "/data/set", as
    manifests have it that were read from beside the set. A data set from elsewhere reads its own
    files only, unless allowed to: `outside` are the names of others. `gone` are paths at which
    there is no file.
    """

    def __init__(self, root: Path) -> None:
        self.homes = [str(root), os.getcwd()]
        self.own = f"{root.name}/"
        self.real_homes = [os.path.realpath(home) for home in self.homes]
        self.listings = Listings()
        self.found, self.outside, self.gone = [], [], []

    def add(self, name: str) -> None:
        """Find the next one: an absolute name is the path; no other leads out of the homes."""
        path, home = _joined(self.homes[0], name), 0
        kind = self.listings.kind(path)
        beside = name.removeprefix("./")
        if not exists(path, kind) and beside.startswith(self.own):
            path = _joined(self.homes[0], beside.removeprefix(self.own))
            kind = self.listings.kind(path)
        if not exists(path, kind):
            other = _joined(self.homes[1], name)
            other_kind = self.listings.kind(other)
            if exists(other, other_kind):
                path, kind, home = other, other_kind, 1
        if not os.path.isabs(name):
            target = self.listings.real(path, kind)
            if not any(_is_in(real, target) for real in self.real_homes[: home + 1]):
                self.outside.append(name)
        if not is_file(path, kind):
            self.gone.append(path)
        self.found.append(path)


def _joined(home: str, name: str) -> str:
    """As pathlib joins and writes them, which takes ten times as long."""
    path = name if name.startswith("/") else f"{home}/{name}"
    return str(Path(path)) if "//" in path or "/." in path or path.endswith("/") else path


def _is_in(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")

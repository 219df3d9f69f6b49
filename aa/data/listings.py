"""The kinds of many paths; a folder with many of them is asked once for all that it has."""

import os
import stat
from collections import Counter

MANY = 16  # paths in a folder for which it is worth to list it all
FILE, LINK, OTHER, MISSING = "file", "link", "other", "missing"


class Listings:
    """Answers as `os.path` does for normal absolute paths, of files that stay as they are."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.listed: dict[str, dict[str, str]] = {}
        self.real_folders: dict[str, str] = {}

    def kind(self, path: str) -> str:
        """FILE, LINK, OTHER or MISSING."""
        folder, _, name = path.rpartition("/")
        if folder not in self.listed:
            self.asked[folder] += 1
            if self.asked[folder] < MANY:
                return _kind(path)
            self.listed[folder] = _listing(folder or "/")
        return self.listed[folder].get(name) or _kind(path)

    def real(self, path: str, kind: str) -> str:
        """The path without links; of what is in no folder, without its steps back."""
        folder, _, name = path.rpartition("/")
        if kind == LINK or name == os.pardir:
            return os.path.realpath(path)
        if folder not in self.real_folders:
            is_there = os.path.isdir(folder)  # to follow thousands of names that are not takes long
            self.real_folders[folder] = (os.path.realpath if is_there else os.path.abspath)(folder)
        return f"{self.real_folders[folder]}/{name}"


def exists(path: str, kind: str) -> bool:
    """Return whether anything is there; a link counts as what it leads to."""
    return os.path.exists(path) if kind == LINK else kind != MISSING


def is_file(path: str, kind: str) -> bool:
    """Return whether it is a file, or a link to one."""
    return os.path.isfile(path) if kind == LINK else kind == FILE


def _listing(folder: str) -> dict[str, str]:
    """Names and kinds of what is in a folder; of one that cannot be listed, of nothing."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: _kind_of(entry) for entry in entries}
    except (OSError, ValueError):
        return {}


def _kind_of(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return LINK
    return FILE if entry.is_file(follow_symlinks=False) else OTHER


def _kind(path: str) -> str:
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return MISSING
    if stat.S_ISLNK(mode):
        return LINK
    return FILE if stat.S_ISREG(mode) else OTHER

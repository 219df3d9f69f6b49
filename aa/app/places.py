"""Folders whose files the page may use: every path that a browser names goes through here."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from aa.errors import UserError, one_line
from aa.files import VIDEO_ENDINGS, NoPlainFileError, open_inside
from aa.runs.jobs import is_run

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
MOST_LISTED, MOST_SEEN = 300, 20_000  # files that are offered, entries that are looked at for them
LONGEST = 1000  # characters of a path


class Places:
    """Folders, and what lies in them without a link on the way; a folder itself may be a link.

    Args:
        outputs: the folder that runs are below.
        folders: further ones.
    """

    def __init__(self, outputs: str | Path, folders: Iterable[str | Path]) -> None:
        self.outputs = Path(os.path.abspath(outputs))
        self.roots = [self.outputs, *(Path(os.path.abspath(folder)) for folder in folders)]

    def file(self, path: str) -> Path:
        """The file that a text names, relative to here or whole.

        Raises:
            UserError: it lies elsewhere, a part of its path is a link, or it is no plain file.
        """
        root, inner = self._split(path)
        try:
            os.close(open_inside(root, inner))
        except (OSError, NoPlainFileError) as error:
            raise UserError(f"{one_line(path)}: there is no such file.") from error
        return root / inner

    def open(self, path: str) -> int:
        """A descriptor to read such a file, see `file`."""
        root, inner = self._split(path)
        try:
            return open_inside(root, inner)
        except (OSError, NoPlainFileError) as error:
            raise UserError(f"{one_line(path)}: there is no such file.") from error

    def folder(self, path: str) -> Path:
        """The folder that a text names, see `file`."""
        root, inner = self._split(path)
        folder = root / inner
        unlinked = os.path.normpath(os.path.join(os.path.realpath(root), inner))
        if os.path.realpath(folder) != unlinked or not folder.is_dir():
            raise UserError(f"{one_line(path)}: there is no such folder.")
        return folder

    def run(self, path: str) -> Path:
        """The run folder below `outputs` that a text names, relative to that.

        Raises:
            UserError: there is none.
        """
        folder = self.folder(os.path.join(self.outputs, path)) if path else self.outputs
        if not is_run(folder) or self.outputs not in (folder, *folder.parents):
            raise UserError(f"{one_line(path)}: there is no such run.")
        return folder

    def name(self, folder: str | Path) -> str:
        """The text by which `run` finds a run folder."""
        return os.path.relpath(os.path.abspath(folder), self.outputs)

    def find(self, *endings: str) -> list[str]:
        """Paths, as seen from here, of files of these endings in the further folders."""
        found = []
        for root in self.roots[1:]:
            for path in _files(root):
                if path.suffix.lower() in endings:
                    found.append(os.path.relpath(path))
                    if len(found) == MOST_LISTED:
                        return found
        return found

    def pictures(self) -> list[str]:
        """Pictures that there are to choose from."""
        return self.find(*PICTURES)

    def videos(self) -> list[str]:
        """Videos that there are to choose from, and files of poses."""
        return self.find(*VIDEO_ENDINGS, ".npz")

    def _split(self, path: str) -> tuple[Path, str]:
        """The folder that a path lies in, and where."""
        if not path or len(path) > LONGEST or not path.isprintable():
            raise UserError("a path of printable characters is expected.")
        whole = os.path.abspath(path)  # without `..`, and no link is followed
        for root in self.roots:
            if Path(whole).is_relative_to(root):
                return root, os.path.relpath(whole, root)
        raise UserError(
            f"{one_line(path)}: lies in none of the folders that this page may read; app.folders="
            "names them."
        )


def is_text(path: str | Path) -> bool:
    """Return whether a path is a text in UTF-8, as addresses are."""
    return not any("\ud800" <= letter <= "\udfff" for letter in str(path))


def _files(root: Path) -> Iterator[Path]:
    """Yield plain files below a folder, a bounded number."""
    seen = 0
    for name, folders, files in os.walk(root):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for file in sorted(files):
            path = Path(name) / file
            if not path.is_symlink():
                yield path
        seen += len(files) + len(folders)
        if seen > MOST_SEEN:
            return

"""Files that a browser sends: counted, measured, looked into, and named by us."""

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypedDict

from aa.app.examine import examine
from aa.errors import UserError
from aa.files import check_space, unlinked, write_json
from aa.runs.jobs import short
from aa.runs.kinds import Count, Name
from aa.runs.reading import find_record

CHUNK, MB = 2**20, 10**6
LONGEST, DIGITS = 24, 12  # characters of a name of ours
NAME = re.compile(rf"[a-z0-9-]{{1,{LONGEST}}}-[0-9a-f]{{{DIGITS}}}\.(png|mp4|mkv|avi|npz)")


class About(TypedDict, total=False):
    """The record of an upload: what its sender calls it, and what `examine` found."""

    title: Name
    kind: Name
    width: Count
    height: Count
    frames: Count
    fps: float
    sound: bool
    drawn: bool


class Uploads:
    """The uploads in a folder.

    Args:
        home: the folder, made if it is not there.
        most: files that are kept.
        most_mb: of one, megabytes.
    """

    def __init__(self, home: Path, *, most: int, most_mb: int) -> None:
        self.home, self.most, self.most_bytes = home, most, most_mb * MB
        self.home.mkdir(parents=True, exist_ok=True)
        self._alone, self._coming = threading.Lock(), 0
        self._clear()  # what a server that was stopped has left

    def take(self, stream: IO[bytes], size: int | None, title: str) -> dict[str, Any]:
        """Keep what a browser sends.

        Args:
            stream: of the file.
            size: its bytes as the browser says; more are not read.
            title: its name there; only ever shown.

        Returns:
            its path, and what is in it; of a file that is kept already, what is known of that.

        Raises:
            UserError: it is too large, of another kind, or there are too many.
        """
        if size is None or size > self.most_bytes:
            raise UserError(f"a file has at most {self.most_bytes // MB} MB.")
        check_space(self.home, 2 * size + MB)
        partial = self.home / f".{secrets.token_hex(8)}.part"
        try:
            name = _name(title, self._receive(stream, partial, size))
            if kept := self._kept(name):
                return kept
            with self._place():
                return self._keep(partial, name, title)
        finally:
            self._clear(partial.name)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place for one more file, whoever else sends one."""
        with self._alone:
            if sum(1 for _ in self.files()) + self._coming >= self.most:
                raise UserError(f"{self.most} uploads are kept (app.uploads): remove some first.")
            self._coming += 1
        try:
            yield
        finally:
            with self._alone:
                self._coming -= 1

    def _keep(self, partial: Path, name: str, title: str) -> dict[str, Any]:
        """Look into what has come, and give the checked copy its name once it is whole."""
        found = examine(partial, str(partial))
        about: Any = {key: found[key] for key in About.__annotations__ if key in found}
        about["title"] = "".join(c for c in title if c.isprintable())[:100] or "file"
        target = self.home / f"{name}{found['ending']}"
        os.replace(f"{partial}{found['ending']}", target)
        write_json(target.with_suffix(".json"), about)
        return {**about, "path": short(target)}

    def _kept(self, name: str) -> dict[str, Any] | None:
        """An upload of this name, an ending aside, with its record; None where one is missing."""
        for path in self.home.glob(f"{name}.*"):
            if NAME.fullmatch(path.name):
                with suppress(UserError, OSError):
                    if about := find_record(self.home, f"{name}.json", About):
                        return {**about, "path": short(path)}
        return None

    def _clear(self, partial: str = ".part") -> None:
        """Delete a partial upload, by default all, and the copies that were made of it."""
        for left in self.home.glob(f"*{partial}*"):
            left.unlink(missing_ok=True)

    def files(self) -> Iterator[tuple[Path, About]]:
        """Yield the uploads, the newest first, and what is known of each."""
        there = [path for path in self.home.iterdir() if NAME.fullmatch(path.name)]
        for path in sorted(there, key=lambda path: path.stat().st_mtime, reverse=True):
            about = None
            with suppress(UserError, OSError):
                about = find_record(self.home, f"{path.stem}.json", About)
            yield path, about or About(title=path.name)

    def remove(self, name: str) -> None:
        """Delete an upload by its name.

        Raises:
            UserError: there is none.
        """
        if not NAME.fullmatch(name) or not (self.home / name).is_file():
            raise UserError("there is no such upload.")
        (self.home / name).unlink(missing_ok=True)
        (self.home / name).with_suffix(".json").unlink(missing_ok=True)

    def _receive(self, stream: IO[bytes], partial: Path, size: int) -> str:
        """Write a stream into a file; return the start of its SHA-256."""
        digest, left = hashlib.sha256(), size
        with open(partial, "xb", opener=unlinked) as file:
            while left and (chunk := stream.read(min(CHUNK, left))):
                file.write(chunk)
                digest.update(chunk)
                left -= len(chunk)
        if left:
            raise UserError("the upload was cut short.")
        return digest.hexdigest()[:DIGITS]


def unhashed(name: str) -> str:
    """A name without the hashes of uploads in it, as it is shown."""
    return re.sub(rf"-[0-9a-f]{{{DIGITS}}}(?=_|$)", "", name)


def _name(title: str, digest: str) -> str:
    """A name of a few plain letters of the sender's, and the hash of the content."""
    plain = re.sub(r"[^a-z0-9]+", "-", Path(title).stem.lower())[:LONGEST].strip("-")
    return f"{plain or 'file'}-{digest}"

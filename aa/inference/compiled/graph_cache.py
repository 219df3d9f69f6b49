"""Exported graphs in a folder, by what they were made from; made again whenever in doubt."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

LIMIT = 256 * 2**20  # bytes of all files; a denoiser has 1 MB, each size of video its own


def default_folder() -> Path:
    """`aa/graphs` in the user's cache folder (XDG_CACHE_HOME, else ~/.cache)."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "aa" / "graphs"


class GraphCache:
    """A folder of files named by the hash of their key; the last used stay.

    Any number of processes may use it at once: a file is there as a whole or not at all, and a
    damaged one counts as missing. A folder that cannot be read or written costs an export each
    time, and one warning.

    Args:
        folder: made when first written to.
        limit: bytes of all files.
    """

    def __init__(self, folder: str | Path | None = None, *, limit: int = LIMIT) -> None:
        self.folder = Path(folder) if folder else default_folder()
        self.limit, self._warned = limit, False

    def get(self, key: Any, make: Callable[[], bytes]) -> bytes:
        """Return what `make()` returned for this key, here or before.

        Args:
            key: JSON values that say all that the result depends on.
            make: called unless the folder has the result.
        """
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        path = self.folder / f"{name}.graph"
        content = self._read(path)
        if content is None:
            content = make()
            self._write(path, content)
        return content

    def _read(self, path: Path) -> bytes | None:
        """The content of a file, None where there is none or another than was written."""
        try:
            file = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(error)
            return None
        digest, content = file[:32], file[32:]
        if hashlib.sha256(content).digest() != digest:
            log.warning("%s is damaged: made again.", path)
            return None
        with contextlib.suppress(OSError):  # a folder for reading only keeps its order
            os.utime(path)  # used just now, so it stays
        return content

    def _write(self, path: Path, content: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
                try:
                    file.write(hashlib.sha256(content).digest() + content)
                    file.close()
                    os.replace(file.name, path)
                except OSError:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            self._shrink(path)
        except OSError as error:
            self._warn(error)

    def _shrink(self, newest: Path) -> None:
        """Remove the files that were not used for longest until the rest is within the limit."""
        found = []
        for path in self.folder.glob("*.graph"):  # of others nothing is removed
            try:
                status = path.stat()
            except FileNotFoundError:  # another process was quicker
                continue
            found.append((path != newest, -status.st_mtime, status.st_size, path))
        total = 0
        for _, _, size, path in sorted(found):
            total += size
            if total > self.limit and path != newest:
                path.unlink(missing_ok=True)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            log.warning(
                "%s cannot be used (%s): compiled graphs are made anew in every run. Free or allow "
                "it, or set inference.cache_dir=<folder>.",
                self.folder,
                error.strerror or error,
            )
        self._warned = True

"""Fingerprints of files: what a run read, so that a rerun can say which of it has changed."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

SMALL = 2**30  # bytes: as much is hashed in about a second
BLOCK = 64 * 1024
WHOLE, BLOCKS = "sha256", "sha256 of size and of first, middle and last 64 KiB"


def fingerprint(paths: Iterable[str | Path], *, small: int = SMALL) -> dict[str, Any]:
    """Size and hash of every file, and which kind of hash: {"kind", "files": {path: {...}}}.

    Files that together have more than `small` bytes are hashed at three places only: a change of
    single bytes elsewhere that keeps the size is not seen. Paths below the working directory are
    relative to it, so that another checkout has the same ones.
    """
    files = sorted({os.path.abspath(path) for path in paths})
    whole = sum(os.path.getsize(file) for file in files) <= small
    read = _whole if whole else _blocks
    return {
        "kind": WHOLE if whole else BLOCKS,
        "files": {_name(f): {"bytes": os.path.getsize(f), **read(f)} for f in files},
    }


def hashes(paths: Iterable[str | Path], *, below: str | Path) -> dict[str, str]:
    """{path relative to `below`: SHA-256}."""
    files = sorted(Path(path) for path in paths)
    return {file.relative_to(below).as_posix(): sha256(file) for file in files}


def sha256(path: str | Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return sha256_of(file)


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the rest of an open file."""
    digest = hashlib.sha256()
    while block := file.read(2**24):
        digest.update(block)
    return digest.hexdigest()


def _whole(path: str) -> dict[str, str]:
    return {"sha256": sha256(path)}


def _blocks(path: str) -> dict[str, str]:
    size = os.path.getsize(path)
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        for start in (0, size // 2, size - BLOCK):
            file.seek(max(0, start))
            digest.update(file.read(BLOCK))
    return {"sha256_of_blocks": digest.hexdigest()}


def _name(path: str) -> str:
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(here + os.sep) else path

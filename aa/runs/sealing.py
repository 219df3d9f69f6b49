"""Folders that are whole or do not exist, whatever stops the process.

A folder is filled under a hidden name, flushed to the disk, described by a manifest (size and
SHA-256 of every file) and renamed: what has the final name was complete, and can be checked.
"""

import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aa.errors import UserError, one_line, reason
from aa.files import open_inside
from aa.runs.fingerprints import sha256, sha256_of
from aa.runs.kinds import FileEntry, Manifest
from aa.runs.reading import RecordError, read_record

MANIFEST, FORMAT = "manifest.json", "aa-checkpoint-1"
SUFFIX = ".partial"


def partial_folder(target: Path) -> Path:
    """The hidden name under which `target` is filled; nothing has it yet."""
    partial = target.with_name(f".{target.name}{SUFFIX}")
    shutil.rmtree(partial, ignore_errors=True)
    return partial


def seal(
    partial: Path,
    target: Path,
    *,
    known: Mapping[str, Mapping[str, Any]] | None = None,
    **about: Any,
) -> None:
    """Flush the finished folder `partial`, write its manifest and give it the name `target`.

    Args:
        partial: from `partial_folder`.
        target: a name that no folder has.
        known: {name: manifest entry} of files that are on the disk and are not read again: links
            to sealed ones, and what `describe` has read.
        about: further plain values of the manifest.
    """
    names = _names(partial)
    known = known or {}
    files = {name: known.get(name) or describe(partial / name) for name in names}
    manifest = partial / MANIFEST
    manifest.write_text(json.dumps({"format": FORMAT, **about, "files": files}, indent=1) + "\n")
    flush(manifest)
    for folder in [p for p in partial.rglob("*") if p.is_dir()]:
        flush(folder)
    flush(partial)
    os.rename(partial, target)
    flush(target.parent)


def describe(path: Path) -> dict[str, int | str]:
    """Flush a finished file and return its manifest entry."""
    with ThreadPoolExecutor(1) as pool:  # the disk takes it while it is hashed
        flushed = pool.submit(flush, path)
        entry = {"bytes": path.stat().st_size, "sha256": sha256(path)}
        flushed.result()  # raises what went wrong
    return entry


def flush(path: str | Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(folder: str | Path) -> Manifest:
    """The manifest of a sealed folder.

    Raises:
        OSError: there is none, or it cannot be read.
        UserError: it is none of ours; the message names the file.
    """
    manifest = read_record(folder, MANIFEST, Manifest)
    if manifest["format"] != FORMAT:
        found = one_line(manifest["format"])
        raise RecordError(f"{Path(folder) / MANIFEST}: format {found}, wanted {FORMAT}")
    return manifest


def fault_in(folder: str | Path) -> str | None:
    """Find what is wrong with a sealed folder, in words, or None. Reads all of it."""
    folder = Path(folder)
    try:
        files = read_manifest(folder)["files"]
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda item: _differs(folder, *item), files.items())
            return next((line for line in found if line), None)
    except FileNotFoundError:
        return f"{MANIFEST} is missing"
    except (OSError, UserError) as error:
        return f"{MANIFEST} cannot be read ({reason(error.__cause__ or error)})"


def remove(folder: Path) -> None:
    """Delete a sealed folder; stopped half-way, nothing is left under its name."""
    hidden = partial_folder(folder)
    os.rename(folder, hidden)
    shutil.rmtree(hidden)


def remove_leftovers(folder: str | Path) -> list[Path]:
    """Delete what stopped processes left half-done below a folder, and return the names."""
    found = sorted(Path(folder).rglob(f".*{SUFFIX}"))
    for path in found:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return found


def _names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _differs(folder: Path, name: str, entry: FileEntry) -> str | None:
    """Find what is wrong with a file that a manifest names, in words, or None."""
    shown = one_line(Path(name).name)
    if os.path.isabs(name) or ".." in Path(name).parts:
        return f"{MANIFEST} names {one_line(name)}, which is outside"
    try:
        with open(open_inside(folder, name), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry["bytes"]:
                return f"{shown} has {size} bytes, {entry['bytes']} were written"
            same = sha256_of(file) == entry["sha256"]
            return None if same else f"{shown} is not what was written"
    except FileNotFoundError:
        return f"{shown} is missing"
    except (UserError, ValueError) as error:
        return f"{shown} is no file of it ({error})"

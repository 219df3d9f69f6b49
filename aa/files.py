"""Files: endings of videos, texts read with a limit, none opened through a link."""

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from aa.errors import UserError

VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi")
# No link is followed, and what is no file is not waited for.
UNLINKED = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LINKS = (errno.ELOOP, errno.ENOTDIR)  # errors of the system for one, or for one to a folder


class NoPlainFileError(UserError):
    """A link, a pipe, a device or no file lies where a file is expected."""


def read_text(
    path: str | os.PathLike, *, most: int, advice: str, name: str | os.PathLike | None = None
) -> str:
    """The text of a file of at most `most` bytes.

    Args:
        most: bytes; a text that is parsed takes many times its size in memory.
        advice: a sentence that says what is expected and what to do.
        name: of the file in messages, its path by default.

    Raises:
        UserError: no such file, no file, too long, unreadable or not UTF-8.
    """
    name = name or path
    if not os.path.isfile(path):  # anything else may be endless, or wait for ever
        raise UserError(f"{name}: {missing(path, 'file')}. {advice}")
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            size = os.path.getsize(path)
            raise UserError(f"{name}: has {size} bytes, at most {most} are read. {advice}")
        return content.decode("utf-8-sig")  # Windows puts a byte order mark in front
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"{name}: cannot be read as a text ({reason}). {advice}") from error


def open_inside(home: str | os.PathLike, name: str | os.PathLike) -> int:
    """A descriptor to read a plain file below a folder, reached without any link.

    Args:
        home: the folder, which may be reached by links itself.
        name: of the file, relative to it.

    Raises:
        FileNotFoundError: there is none.
        NoPlainFileError: a part of the name is a link, or it is no file.
        OSError: it cannot be opened.
    """
    *folders, last = os.fspath(name).split("/")
    place = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(folder, UNLINKED | os.O_DIRECTORY, dir_fd=place)
            os.close(place)
            place = inner
        return _plain(os.open(last, os.O_RDONLY | UNLINKED, dir_fd=place), home, name)
    except OSError as error:
        if error.errno in LINKS:
            raise NoPlainFileError(_linked(home, name)) from error
        raise
    finally:
        os.close(place)


def unlinked(path: str, flags: int) -> int:
    """Opener for `open`: a plain file, made or opened without following a link of its name.

    Raises:
        NoPlainFileError: a link, or something that is no file, has that name.
    """
    try:
        return _plain(os.open(path, flags | UNLINKED, 0o666), path)
    except OSError as error:
        if error.errno in (*LINKS, errno.ENXIO, errno.EISDIR):
            raise NoPlainFileError(_linked(Path(path).parent, Path(path).name)) from error
        raise


def _plain(descriptor: int, *path) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    path = os.path.join(*path)
    raise NoPlainFileError(f"{path}: {missing(path, 'file')}; remove it.")


def _linked(home: str | os.PathLike, name: str | os.PathLike) -> str:
    """Describe the part of a path below a folder that is no plain folder or file."""
    path = Path(home)
    for part in Path(name).parts:
        path /= part
        if path.is_symlink():
            return describe_link(path)
    return f"{path}: {missing(path, 'file')}; remove it."


def check_unlinked(home: Path, path: Path) -> None:
    """Refuse a path below a folder that is reached by a link.

    Raises:
        NoPlainFileError: names the link.
    """
    inner = home
    for part in path.relative_to(home).parts:
        inner /= part
        if inner.is_symlink():
            raise NoPlainFileError(describe_link(inner))


def describe_link(path: Path) -> str:
    """Say what is wrong with a link in a run folder, and what to do."""
    return (
        f"{path}: is a link to {os.readlink(path)}; the files of a run lie in its folder. Replace "
        "the link by what it leads to, or remove it."
    )


def read_inside(home: str | os.PathLike, name: str | os.PathLike, *, most: int) -> bytes:
    """The content of a plain file of at most `most` bytes below a folder, see `open_inside`.

    Raises:
        UserError: it is larger.
    """
    with open(open_inside(home, name), "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise UserError(f"{Path(home) / name}: has {size} bytes, at most {most} are read.")
        return file.readall()


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, see `replacing`."""
    write_text(path, json.dumps(content, indent=1, default=str) + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text in UTF-8, see `replacing`; halves of characters as escapes."""
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write under a temporary name, which takes the place of `path` at the end.

    It is on the disk before it has its name: a reader, or a power cut, leaves the old or the new.

    Raises:
        OSError: it cannot be written; names the file, and leaves none.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb", opener=unlinked) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:  # of a full disk it names no file
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def check_space(folder: str | Path, needed: float) -> None:
    """Check that `needed` bytes fit on the disk of a folder, which need not exist yet.

    Raises:
        UserError: they do not.
    """
    home = next(p for p in (Path(folder), *Path(folder).absolute().parents) if p.exists())
    free = shutil.disk_usage(home).free
    if free < needed:
        raise UserError(
            f"{folder}: {needed / 1e9:.1f} GB to write, {free / 1e9:.1f} GB free on this disk. "
            "Make room or choose another folder."
        )


def missing(path: str | os.PathLike, kind: str) -> str:
    """Say what is wrong with a path where an expected file or folder is not found."""
    if os.path.isdir(path):
        return f"that is a folder, no {kind}"
    return f"that is no {kind}" if os.path.exists(path) else f"no such {kind}"

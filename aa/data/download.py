"""Fetch the published training set and unpack it; an interrupted download is resumed."""

import contextlib
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from aa.data.manifest import read_manifest
from aa.data.published import PublishedSet
from aa.errors import UserError, reason
from aa.files import check_space
from aa.plain import printable
from aa.runs.lock import held_briefly

TIMEOUT = 10  # seconds without a byte until the server counts as out of reach
CHUNK = 1 << 20
IDENTITY = {"Accept-Encoding": "identity"}  # the bytes of the archive, not packed once more
AGAIN = "Run the same command again later: what has come is kept"
ANEW = "Delete it and run the same command again."
# Python's own guard, from 3.10.12 and 3.11.4 on; every member is checked here as well.
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def download(published: PublishedSet, target: Path, *, url: str | None = None) -> Path:
    """Fetch the archive of a data set and unpack it into a folder.

    The archive is kept beside the folder until it is unpacked, also where that is interrupted; the
    folder has its name only when it is whole.

    Args:
        published: the set.
        target: the folder to unpack into.
        url: of the archive, its published one by default.

    Returns:
        path of the manifest; where it was there before, nothing is fetched.

    Raises:
        UserError: the server is out of reach or sends another archive, the disk is too small, or
            the archive holds what is no plain file or folder of its own.
    """
    folder = target / published.folder
    manifest = folder / published.manifest
    if manifest.is_file():
        return manifest
    if folder.exists():
        raise UserError(
            f"{folder}: exists and has no {published.manifest}. Move it away, or download into "
            "another folder: --to <folder>."
        )
    archive = target / f"{published.folder}.tar.gz"
    partial = archive.with_name(f"{archive.name}.part")
    with requests.Session() as session:
        source = None if archive.exists() else _describe(session, url or published.url)
        if source:
            # Videos are as large when they are unpacked.
            check_space(target, 2 * source.size - _size(partial))
        target.mkdir(parents=True, exist_ok=True)
        with held_briefly(target / f".{published.folder}.lock", say=_say(target)):
            if manifest.is_file():  # another download has been here
                return manifest
            if source and not archive.exists():
                _fetch(session, source, archive, partial)
            _unpack_whole(archive, target, published)
    return manifest


def _unpack_whole(archive: Path, target: Path, published: PublishedSet) -> None:
    """Put the folder of an archive into the target, once it is known to be the published one."""
    unpacked = target / f".{published.folder}.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        _unpack(archive, unpacked)
        _check(unpacked / published.folder, published, archive)
        (unpacked / published.folder).rename(target / published.folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    archive.unlink()


def _say(target):
    return lambda line: print(f"{printable(target)} {line}", flush=True)


@dataclass(frozen=True)
class _Source:
    """An archive as a server reports it; `tag` tells it from another one at the same address."""

    url: str
    size: int
    tag: str


def _describe(session: requests.Session, url: str) -> _Source:
    with _server_errors(url):
        answer = session.head(url, headers=IDENTITY, timeout=TIMEOUT, allow_redirects=True)
        answer.raise_for_status()
    size = int(answer.headers.get("Content-Length", 0))
    if size <= 0:
        raise UserError(f"{url}: the server does not say how large the archive is.")
    return _Source(url, size, f"{size} {answer.headers.get('ETag', '')}")


def _fetch(session: requests.Session, source: _Source, archive: Path, partial: Path) -> None:
    """Write the archive; its beginning, if an earlier call left one, is not sent again."""
    noted = partial.with_name(f"{partial.name}.tag")  # of the archive that was begun
    begun = _size(partial)
    if begun > source.size or not noted.exists() or noted.read_text() != source.tag:
        begun = 0
    noted.write_text(source.tag)
    with _server_errors(source.url):
        if begun < source.size:
            _append(session, source, partial, begun)
    found = _size(partial)
    if found != source.size:
        raise UserError(f"{source.url}: broke off after {found} of {source.size} bytes. {AGAIN}.")
    partial.rename(archive)
    noted.unlink()


def _append(session: requests.Session, source: _Source, partial: Path, begun: int) -> None:
    asked = {"Range": f"bytes={begun}-", **IDENTITY} if begun else IDENTITY
    with session.get(source.url, headers=asked, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        if begun and answer.status_code != requests.codes.partial_content:
            begun = 0  # this server sends all or nothing
        size = source.size
        shown = tqdm(initial=begun, total=size, desc=partial.stem, unit="B", unit_scale=True)
        with open(partial, "r+b" if begun else "wb") as file, shown as bar:
            file.seek(begun)
            for chunk in answer.raw.stream(CHUNK, decode_content=False):
                if file.tell() + len(chunk) > size:
                    raise UserError(f"{source.url}: sends more than the {size} bytes it said.")
                file.write(chunk)
                bar.update(len(chunk))


def _unpack(archive: Path, target: Path) -> None:
    """Unpack plain files and folders, none of which leads out of the target."""
    total = archive.stat().st_size
    try:
        with (
            open(archive, "rb") as packed,
            tarfile.open(fileobj=packed, mode="r:*") as content,
            tqdm(total=total, desc=f"unpacking {archive.name}", unit="B", unit_scale=True) as bar,
        ):
            for member in content:
                _check_member(member, archive)
                check_space(target, member.size)
                content.extract(member, target, **SAFELY)
                bar.update(packed.tell() - bar.n)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk
            raise
        raise UserError(f"{archive}: cannot be unpacked ({reason(error)}). {ANEW}") from error


def _check_member(member: tarfile.TarInfo, archive: Path) -> None:
    """Refuse what leads out of the folder, and all links and devices."""
    parts = Path(member.name).parts
    if ".." in parts or member.name.startswith("/") or not (member.isfile() or member.isdir()):
        raise UserError(
            f"{archive}: holds {member.name!r}, which leads out of its folder or is no plain file: "
            "not the published set. Nothing of it is kept; delete it."
        )


def _check(folder: Path, published: PublishedSet, archive: Path) -> None:
    """Check that the unpacked set is the expected one, and whole."""
    if not (folder / published.manifest).is_file():
        raise UserError(
            f"{archive}: holds no {published.folder}/{published.manifest}: not the published set. "
            f"{ANEW}"
        )
    try:
        found = len(read_manifest(folder / published.manifest))
    except UserError as error:
        raise UserError(f"{archive}: not whole ({error}) {ANEW}") from error
    if found != published.num_clips:
        raise UserError(
            f"{archive}: lists {found} clips, the published set has {published.num_clips}. {ANEW}"
        )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@contextlib.contextmanager
def _server_errors(url: str) -> Iterator[None]:
    """Report what goes wrong between here and the server in one line."""
    try:
        yield
    except (requests.RequestException, HTTPError) as error:
        response = getattr(error, "response", None)
        if response is None:
            found = f"the server cannot be reached, or it broke off ({type(error).__name__})"
            raise UserError(f"{url}: {found}. {AGAIN}.") from error
        raise UserError(
            f"{url}: the server answers {response.status_code}. Run the same command again later, "
            "or with another address: --url <address>."
        ) from error

"""Fetch the published training set and unpack it; an interrupted download is resumed."""

import contextlib
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import requests
from tqdm import tqdm

from aa.data.manifest import read_manifest
from aa.data.published import PublishedSet
from aa.errors import UserError, reason
from aa.files import check_space

TIMEOUT = 10  # seconds without a byte until the server counts as out of reach
CHUNK = 1 << 20
AGAIN = "Run the same command again later, it resumes where it stopped"


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
    url = url or published.url
    archive = target / url.rpartition("/")[2]
    _fetch(url, archive)
    unpacked = target / f".{published.folder}.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        _unpack(archive, unpacked)
        _check(unpacked / published.folder, published, archive)
        (unpacked / published.folder).rename(folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    archive.unlink()
    return manifest


def _fetch(url: str, archive: Path) -> None:
    """Write the archive; its beginning, if an earlier call left one, is not sent again."""
    if archive.exists():
        return
    partial = archive.with_name(f"{archive.name}.part")
    begun = partial.stat().st_size if partial.exists() else 0
    with _server_errors(url), requests.Session() as session:
        size, tag = _describe(session, url)
        check_space(archive.parent, 2 * size - begun)  # videos are as large when they are unpacked
        archive.parent.mkdir(parents=True, exist_ok=True)
        noted = partial.with_name(f"{partial.name}.tag")  # of the archive that was begun
        if begun and (begun > size or _text(noted) != tag):
            partial.unlink()
            begun = 0
        noted.write_text(tag)
        if begun < size:
            _append(session, url, partial, begun, size)
    found = partial.stat().st_size
    if found != size:
        raise UserError(f"{url}: broke off after {found} of {size} bytes. {AGAIN}.")
    noted.unlink()
    partial.rename(archive)


def _describe(session, url):
    """(bytes, what tells this archive from another one under the same address)."""
    answer = session.head(url, timeout=TIMEOUT, allow_redirects=True)
    answer.raise_for_status()
    size = int(answer.headers.get("Content-Length", 0))
    if size <= 0:
        raise UserError(f"{url}: the server does not say how large it is, so none is fetched.")
    return size, f"{size} {answer.headers.get('ETag', '')}"


def _append(session, url, partial, begun, size):
    asked = {"Range": f"bytes={begun}-", "Accept-Encoding": "identity"}
    with session.get(url, headers=asked, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        if begun and answer.status_code != requests.codes.partial_content:
            begun = 0  # this server sends all or nothing
        shown = tqdm(initial=begun, total=size, desc=partial.stem, unit="B", unit_scale=True)
        with open(partial, "r+b" if begun else "wb") as file, shown as bar:
            file.seek(begun)
            for chunk in answer.iter_content(CHUNK):
                if file.tell() + len(chunk) > size:
                    raise UserError(f"{url}: sends more than the {size} bytes that it said.")
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
                content.extract(member, target, filter="data")
                bar.update(packed.tell() - bar.n)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk
            raise
        raise UserError(
            f"{archive}: cannot be unpacked ({reason(error)}). Delete it and run the same command "
            "again."
        ) from error


def _check_member(member, archive):
    """Refuse links and devices too, which a set of videos has none of."""
    parts = Path(member.name).parts
    if ".." in parts or member.name.startswith("/") or not (member.isfile() or member.isdir()):
        raise UserError(
            f"{archive}: holds {member.name!r}, which leads out of its folder or is no plain file. "
            "Nothing more is unpacked: this is not the published set."
        )


def _check(folder, published, archive):
    """The unpacked set is the one that was wanted, and whole."""
    if not (folder / published.manifest).is_file():
        raise UserError(
            f"{archive}: holds no {published.folder}/{published.manifest}: not the published set. "
            "Delete it and run the same command again."
        )
    found = len(read_manifest(folder / published.manifest))
    if found != published.num_clips:
        raise UserError(
            f"{archive}: lists {found} clips, the published set has {published.num_clips}. Delete "
            "it and run the same command again."
        )


def _text(path):
    return path.read_text() if path.exists() else ""


@contextlib.contextmanager
def _server_errors(url: str) -> Iterator[None]:
    """What goes wrong between here and the server, as one line."""
    try:
        yield
    except requests.RequestException as error:
        if error.response is None:
            found = f"the server cannot be reached, or it broke off ({type(error).__name__})"
        else:
            found = f"the server answers {error.response.status_code}"
        raise UserError(
            f"{url}: {found}. {AGAIN}, or fetch the archive by hand and unpack it there."
        ) from error

"""Fetch published weights from the Hugging Face hub, verified; interrupted downloads resume."""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aa.errors import UserError
from aa.files import check_space
from aa.weights.catalogue import GROUPS, HubFile

TIMEOUT = 5  # seconds until the hub counts as out of reach


@dataclass(frozen=True)
class Published:
    """Size and hash of a file, as the hub reports them; it keeps hashes of large files only."""

    size: int
    sha256: str | None


@dataclass(frozen=True)
class Fetched:
    """One line of the report."""

    path: Path
    repo: str
    bytes: int
    state: str  # downloaded, or was there
    checked: str  # sha256, or size


class Hub:
    """The calls of huggingface_hub that a download needs."""

    def describe(self, file: HubFile) -> Published:
        """Request the size and hash of a file."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        found = get_hf_file_metadata(hf_hub_url(file.repo, file.file), timeout=TIMEOUT)
        is_hash = re.fullmatch(r"[0-9a-f]{64}", found.etag or "")
        return Published(found.size or 0, found.etag if is_hash else None)

    def fetch(self, file: HubFile, folder: Path) -> None:
        """Write `folder / file.file`, resuming what an earlier call left behind."""
        from huggingface_hub import hf_hub_download

        hf_hub_download(file.repo, file.file, local_dir=folder, etag_timeout=TIMEOUT)


def download(target: str | Path, groups: Iterable[str], *, hub: Hub) -> list[Fetched]:
    """Fetch the files of some `catalogue.GROUPS` into the folder `target`.

    Files that are there already are checked and kept.

    Raises:
        UserError: the hub is out of reach, a file there is another one, or the disk is too small.
    """
    target = Path(target)
    files = list(dict.fromkeys(file for group in groups for file in GROUPS[group]))
    published = {}
    for file in files:
        with _hub_errors(file):
            published[file] = hub.describe(file)
    there = {file for file in files if _is_there(target / file.target, published[file])}
    check_space(target, sum(published[file].size for file in files if file not in there))
    return [_fetch(file, published[file], target, file in there, hub) for file in files]


def _fetch(file: HubFile, published: Published, target: Path, is_there: bool, hub: Hub) -> Fetched:
    path = target / file.target
    if not is_there:
        with _hub_errors(file):
            hub.fetch(file, target / file.folder)
        wrong = _difference(path, published)
        if wrong:
            path.unlink()
            raise UserError(f"{path}: damaged on the way ({wrong}). Run the same command again.")
    state = "was there" if is_there else "downloaded"
    checked = "sha256" if published.sha256 else "size"
    return Fetched(path, file.repo, published.size, state, checked)


def _is_there(path: Path, published: Published) -> bool:
    if not path.exists():
        return False
    wrong = _difference(path, published)
    if wrong:
        raise UserError(
            f"{path}: not the published file ({wrong}). Move it away and run the same command "
            "again."
        )
    return True


def _difference(path: Path, published: Published) -> str:
    """Difference of a file from the published one; empty if there is none."""
    size = path.stat().st_size
    if size != published.size:
        return f"{size} bytes, wanted {published.size}"
    if published.sha256 and _sha256(path) != published.sha256:
        return "its sha256 differs"
    return ""


def _sha256(path: Path) -> str:
    from tqdm import tqdm

    digest = hashlib.sha256()
    bar = tqdm(
        total=path.stat().st_size, desc=f"checking {path.name}", unit="B", unit_scale=True, delay=1
    )
    with open(path, "rb") as content, bar:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


@contextlib.contextmanager
def _hub_errors(file: HubFile) -> Iterator[None]:
    """Report what goes wrong between here and the hub in one line."""
    from requests import RequestException

    try:
        yield
    except OSError as error:
        if error.errno and not isinstance(error, (RequestException, ConnectionError)):
            raise  # the disk, not the hub
        response = getattr(error, "response", None)
        if response is None:
            found = f"the hub cannot be reached, or it broke off ({type(error).__name__})"
        else:
            found = f"the hub answers {response.status_code}"
        raise UserError(
            f"{file.repo}/{file.file}: {found}. Run the same command again later, it goes on where "
            "it stopped, or place the files by hand under the same names; "
            "`python -m aa.weights download --help` lists them."
        ) from error

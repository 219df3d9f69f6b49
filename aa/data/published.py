"""The published training set: what it is called, where it is, what it holds."""

from dataclasses import dataclass
from pathlib import Path

SET_HOME = "data"  # default home of downloads, where data=ubcnbili looks


@dataclass(frozen=True)
class PublishedSet:
    """An archive of clips.

    Args:
        url: of the archive.
        folder: name of the one folder that it unpacks to.
        manifest: path of its manifest in that folder.
        num_clips: how many clips the manifest lists.
    """

    url: str
    folder: str
    manifest: str
    num_clips: int


UBC_AND_BILI = PublishedSet(  # 598 clips of UBC Fashion, 2451 of dances
    url="https://bj.bcebos.com/paddlenlp/models/community/tsaiyue/ubcNbili_data/ubcNbili_data.tar.gz",
    folder="ubcNbili_data",
    manifest="meta_data/ubcNbili_meta.json",
    num_clips=598 + 2451,
)


def published_home(manifest: str) -> str | None:
    """The folder where a download brings the published set's manifest here, None for another's."""
    *home, folder, meta, name = ("", "", "", *Path(manifest).parts)
    own = f"{folder}/{meta}/{name}" == f"{UBC_AND_BILI.folder}/{UBC_AND_BILI.manifest}"
    return str(Path(*home)) if own else None

"""The clips of a data set of the ubcNbili layout, and what is wrong with its lists."""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from aa.data.data_files import DataFiles
from aa.data.folders import match_clips
from aa.data.manifest import Clip, read_names
from aa.prepare.findings import Finding
from aa.prepare.layout import KEYPOINTS, MANIFESTS


@dataclass
class Listing:
    """A data set.

    Attributes:
        clips: those whose files are there, each once.
        findings: about files and clips, by their paths.
    """

    root: Path
    clips: list[Clip]
    findings: dict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))

    def name(self, path: str | Path) -> str:
        """A path as it is shown: below the data set, without it."""
        path = Path(path)
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def keypoints(self, clip: Clip) -> Path | None:
        """The file of a clip's keypoints, where there is one."""
        parts = Path(self.name(clip.video)).with_suffix(".npz").parts
        path = self.root / KEYPOINTS / Path(*parts[1:]) if len(parts) > 1 else None
        return path if path and path.is_file() else None


def list_clips(path: str | Path) -> Listing:
    """List a data set: a folder with video/ and video_dwpose/, or the manifest of one.

    Raises:
        UserError: it is none, or what names the files cannot be read.
    """
    path = Path(os.path.abspath(path))
    return _of_folder(path) if path.is_dir() else _of_manifest(path)


def _of_folder(folder: Path) -> Listing:
    clips, alone, _ = match_clips(folder)
    listing = Listing(folder, clips)
    for path in sorted(alone):
        words = "has no partner of the same name in the other folder"
        listing.findings[listing.name(path)].append(Finding("alone", words))
    lists = {}
    for manifest in sorted((folder / MANIFESTS).glob("*.json")):
        other = _of_manifest(manifest)
        lists[manifest.name] = {listing.name(clip.video) for clip in other.clips}
        for name, findings in other.findings.items():
            listing.findings[name] += findings
    train, validation = (lists.get(f"{s}_meta.json", set()) for s in ("train", "validation"))
    for name in sorted(train & validation):
        words = "is in the lists to train on and to validate with"
        listing.findings[name].append(Finding("both_lists", words))
    return listing


def _of_manifest(path: Path) -> Listing:
    root = path.parent.parent
    files, listing = DataFiles(root), Listing(root, [])
    for name in read_names(path):
        files.add(name)
    gone = {*files.gone}
    for name in dict.fromkeys(files.outside):
        words = f"leads out of {root}; allowed with data.allow_outside=true"
        listing.findings[name].append(Finding("outside", words))
    for name in dict.fromkeys(files.gone):
        words = f"{path.name} lists it, there is no such file"
        listing.findings[listing.name(name)].append(Finding("missing", words))
    pairs = list(zip(files.found[::2], files.found[1::2], strict=True))
    for (video, pose), times in Counter(pairs).items():
        if video not in gone and pose not in gone:
            listing.clips.append(Clip(Path(video), Path(pose)))
        if times > 1:
            words = f"is listed {times} times in {path.name}"
            listing.findings[listing.name(video)].append(Finding("twice", words))
    return listing

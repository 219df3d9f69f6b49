"""Which clips are trained on and which validate: all of a video are on one side."""

from collections.abc import Collection, Mapping
from hashlib import sha256

from aa.data.folders import POSES, VIDEOS
from aa.files import write_json
from aa.prepare.layout import Target

SPLITS = ("train", "validation")


def held_out_sources(sources: Collection[str], share: float) -> set[str]:
    """Choose the source videos to validate with: those whose names have the smallest SHA-256.

    So a video that is added moves one other at most. With a share above 0 there is one of each
    side at least, where there are two videos.

    Args:
        sources: names of those with clips.
        share: of them, 0..1.
    """
    ranked = sorted(set(sources), key=lambda name: sha256(name.encode("utf-8", "replace")).digest())
    wanted = max(1, round(share * len(ranked))) if share else 0
    return set(ranked[: min(wanted, len(ranked) - 1)])


def write_manifests(target: Target, splits: Mapping[str, str]) -> None:
    """Write the list of the clips of each side, in the layout that `data.manifest` reads.

    Args:
        splits: {clip: "train" or "validation"}, in order. A side without clips has no list.
    """
    for split in SPLITS:
        path = target.manifest(split)
        clips = [clip for clip, its in splits.items() if its == split]
        if clips:
            path.parent.mkdir(parents=True, exist_ok=True)
            items = [
                {"video_path": f"{VIDEOS}/{clip}.mp4", "kps_path": f"{POSES}/{clip}.mp4"}
                for clip in clips
            ]
            write_json(path, items)
        else:
            path.unlink(missing_ok=True)

"""Names of results: no two are the same file, and none is too long for a file system."""

import os
import unicodedata
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

DRIVING = "driving="  # before the name of a raw video in a list of cases
REFERENCE_POSE = "reference_pose="  # before the name of the image's own pose there
BESIDE = "_side_by_side"  # behind the name of a video: reference | pose | result
LONGEST = 200  # bytes; of 255, with BESIDE, an ending and what a file has while it is written
DIGITS = (8, 16, 64)  # of a hash; more where fewer are taken


def distinct_names(pairs: list[tuple[str, str]]) -> list[str]:
    """Names of the results of pairs of image and pose video, in their order; before the name of a
    video that drives stands DRIVING.

    The first pair with a name has it as it is, the later ones with a hash of both paths as they are
    given. Names that differ in case only, or lead to another's side-by-side, are the same.
    """
    names, taken = [], set()
    for pair in pairs:
        name = next(name for name in _candidates(*pair) if not _files(name) & taken)
        names.append(name)
        taken |= _files(name)
    return names


def _candidates(reference: str, pose: str) -> Iterator[str]:
    """The plain name if it is short enough, then with more and more of the hash."""
    name = f"{Path(reference).stem}_{Path(pose.removeprefix(DRIVING)).stem}"
    if len(os.fsencode(name)) <= LONGEST:
        yield name
    digest = sha256(os.fsencode(f"{reference}\0{pose}")).hexdigest()
    for digits in DIGITS:
        kept = os.fsencode(name)[: LONGEST - digits - 1].decode(errors="ignore")
        yield f"{kept}_{digest[:digits]}"


def _files(name: str) -> set[str]:
    """Names that a case of that name writes, as a file system that knows no capitals has them."""
    return {unicodedata.normalize("NFC", part).casefold() for part in (name, name + BESIDE)}

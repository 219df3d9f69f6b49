"""Clips that show the same as others, told by small pictures of theirs, four a second.

Two people before the same wall look alike as pictures, so what counts is the motion: how each
place of the picture differs from its mean over the clip. Nothing but a copy moves the same there,
at whatever size, quality and rate it is kept, and also if it is cut otherwise.
"""

from collections.abc import Iterator, Sequence

import numpy as np

ALIKE = 0.9  # correlation of the mean pictures: with less, clips are not compared
STILL = 1.0  # of 255, RMS: with less motion than this the pictures themselves are compared
FEWEST = 4  # samples that both must have
BLOCK = 1024  # clips that are compared with all others at once


def find_repeats(
    thumbs: Sequence[np.ndarray], *, max_similarity: float
) -> list[tuple[int, float] | None]:
    """Find for every clip the first earlier one that it repeats, or None.

    Args:
        thumbs: of each clip, uint8 [T, 12, 12, 3].
        max_similarity: correlation from which on a clip is a repetition.

    Returns:
        for each clip the number of the other one and their similarity. What is itself a
        repetition is repeated by nobody.
    """
    found: list[tuple[int, float] | None] = [None] * len(thumbs)
    for later, earlier in _candidates(thumbs):
        if found[later] is None and found[earlier] is None:
            value = similarity(thumbs[earlier], thumbs[later])
            if value > max_similarity:
                found[later] = earlier, value
    return found


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two clips' motion at the best of all shifts in time; at most 1.

    Args:
        first, second: uint8 [T, 12, 12, 3]; T may differ.
    """
    short, long = sorted((_floats(first), _floats(second)), key=len)
    if len(short) < FEWEST:
        return 0.0
    overlap = max(FEWEST, len(short) // 2)
    shifts = range(overlap - len(short), len(long) - overlap + 1)
    return max(_at_shift(short, long, shift) for shift in shifts)


def _at_shift(short: np.ndarray, long: np.ndarray, shift: int) -> float:
    """Correlation where sample 0 of `short` falls on sample `shift` of `long`."""
    begin, end = max(0, shift), min(len(long), shift + len(short))
    ours, theirs = short[begin - shift : end - shift], long[begin:end]
    moved = [clip - clip.mean(axis=0) for clip in (ours, theirs)]
    if min(np.sqrt((clip**2).mean()) for clip in moved) < STILL:
        # Of stills any noise is the motion: they are the same if the pictures are.
        pictures = [clip.mean(axis=0) for clip in (ours, theirs)]
        return 1.0 if np.abs(pictures[0] - pictures[1]).mean() < STILL else 0.0
    return _correlation(*moved)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm else 0.0


def _candidates(thumbs: Sequence[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Yield (later, earlier) clips whose mean pictures are alike, in order."""
    if not thumbs:
        return
    means = np.stack([_floats(clip).mean(axis=0) for clip in thumbs])
    means = means - means.mean(axis=1, keepdims=True)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
    for start in range(0, len(means), BLOCK):
        alike = means[start : start + BLOCK] @ means.T > ALIKE
        alike |= np.abs(means[start : start + BLOCK]).max(axis=1, keepdims=True) == 0
        for row, later in zip(alike, range(start, len(means)), strict=False):
            yield from ((later, int(earlier)) for earlier in np.flatnonzero(row[:later]))


def _floats(thumbs: np.ndarray) -> np.ndarray:
    return thumbs.reshape(len(thumbs), -1).astype("float32")

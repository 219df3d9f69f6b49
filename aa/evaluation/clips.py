"""A pair of videos read side by side in slices, so that a long video costs no more memory."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from aa.data.transforms import fit_frames
from aa.data.video import VideoReader, check
from aa.errors import ClipError, UserError, some
from aa.evaluation.pairs import Pair

SLICE = 16  # frames read at once; FVD's network takes so many
WHITE = 128  # of 255: from here on a mask's pixel is the figure's


class PairReader:
    """Opens a `Pair` and gives its frames; nothing is decoded but the ends until it is iterated.

    `num_frames`, `height` and `width` are those of the generated video.

    Args:
        pair: the files.
        fit: "pad" or "crop" brings truth and mask to the generated size as inference does
            (`aa.data.transforms.place`); None expects equal sizes.

    Raises:
        UserError: a video cannot be read, or they do not fit together.
    """

    def __init__(self, pair: Pair, *, fit: str | None = None) -> None:
        self.pair, self.fit = pair, fit
        self.videos = [check(p) for p in (pair.generated, pair.truth, pair.mask) if p]
        generated, truth, *_ = self.videos
        self.num_frames = generated.num_frames
        self.height, self.width = generated.height, generated.width
        for other in self.videos[1:]:
            self._check_length(other)
        if fit is None:
            self._check_size(truth, generated, "; fit=pad or fit=crop brings it to that size")
        for mask in self.videos[2:]:
            self._check_size(mask, truth, "; masks lie over the true video")

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """(generated, truth, mask) of each slice: uint8 [F, H, W, 3] twice, bool [F, H, W]/None."""
        for start in range(0, self.num_frames, SLICE):
            indices = range(start, min(start + SLICE, self.num_frames))
            generated, *others = (video.read(indices) for video in self.videos)
            if self.fit is not None:
                others = [fit_frames(o, (self.height, self.width), fit=self.fit) for o in others]
            truth, mask = (*others, None)[:2]
            yield (
                generated,
                cast(np.ndarray, truth),
                None if mask is None else mask.mean(axis=3) >= WHITE,
            )

    def _check_length(self, other: VideoReader) -> None:
        if other.num_frames != self.num_frames:
            raise ClipError(
                f"{self.pair.generated} has {self.num_frames} frames, {other.path} "
                f"{other.num_frames}; cut the longer one"
            )

    @staticmethod
    def _check_size(video: VideoReader, wanted: VideoReader, advice: str) -> None:
        size, other = ((v.height, v.width) for v in (video, wanted))
        if size != other:
            raise ClipError(
                f"{video.path} is {size[0]}x{size[1]} (height x width), {wanted.path} "
                f"{other[0]}x{other[1]}{advice}"
            )


def describe(pairs: Sequence[Pair], *, fit: str | None = None) -> list[dict[str, Any]]:
    """Frames, height and width of every pair, as a list of dicts; all are opened one at a time.

    Raises:
        UserError: names the first pairs that cannot be measured.
    """
    clips, bad = [], []
    for pair in pairs:
        try:
            reader = PairReader(pair, fit=fit)
        except ClipError as error:
            bad.append(str(error).rstrip("."))
            continue
        size = {"height": reader.height, "width": reader.width}
        clips.append({"clip": pair.name, "frames": reader.num_frames, **size})
    if bad:
        raise UserError(f"{len(bad)} of {len(pairs)} pairs cannot be measured: {some(bad)}.")
    return clips

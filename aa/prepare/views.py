"""A part of a video that reads as a whole video, and frames in batches that memory holds."""

from collections.abc import Iterator

import numpy as np

from aa.data.video import VideoReader

MOST_FRAMES, MOST_BYTES = 16, 100_000_000  # of a batch


class ClipView:
    """The frames `start` to `stop` of a video, numbered from 0, as `VideoReader` gives them."""

    def __init__(self, reader: VideoReader, start: int, stop: int) -> None:
        self.reader, self.start, self.num_frames = reader, start, stop - start
        self.path, self.fps = reader.path, reader.fps
        self.height, self.width = reader.height, reader.width

    def __len__(self) -> int:
        return self.num_frames

    def read(self, indices) -> np.ndarray:
        """Decode the frames `indices`, in that order, as uint8 RGB [F, H, W, 3].

        Raises:
            ClipError: a frame does not decode.
        """
        return self.reader.read([self.start + int(i) for i in indices])

    def part(self, start: int, stop: int) -> "ClipView":
        """The frames `start` to `stop` of this part."""
        return ClipView(self.reader, self.start + start, self.start + stop)


def batches(video: VideoReader | ClipView) -> Iterator[tuple[int, np.ndarray]]:
    """Yield all frames in order, as (number of the first, uint8 RGB [F, H, W, 3])."""
    size = max(1, min(MOST_FRAMES, MOST_BYTES // (3 * video.height * video.width)))
    for start in range(0, video.num_frames, size):
        yield start, video.read(range(start, min(start + size, video.num_frames)))


def spread(num_frames: int, count: int) -> list[int]:
    """Numbers of `count` frames, spread evenly and away from the ends; fewer where there are."""
    count = min(count, num_frames)
    return [(2 * i + 1) * num_frames // (2 * count) for i in range(count)]

"""A pose video as a sequence that reads its frames when they are asked for."""

from aa.data.video import VideoReader
from aa.errors import UserError


class PoseVideo:
    """The first `num_frames` frames of a video; slices are uint8 [F, H, W, 3].

    Args:
        path: the video.
        num_frames: how many frames; None takes them all.

    Raises:
        ClipError: the video cannot be read.
        UserError: it has fewer frames than asked for.
    """

    def __init__(self, path, num_frames=None):
        self.reader = VideoReader(path)
        found = self.reader.num_frames
        if num_frames is not None and num_frames > found:
            raise UserError(
                f"{path}: has {found} frames, inference.num_frames={num_frames} asks for more; "
                f"use at most {found}, or leave it out for the whole video."
            )
        self.num_frames = num_frames or found

    def __len__(self):
        return self.num_frames

    def __getitem__(self, part):
        return self.reader.read(range(self.num_frames)[part])
